import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from ganimation_tf.evaluation import regions, truth
from ganimation_tf.faces.alignment import CropSpec


@pytest.fixture
def pictures():
    """Edits, inputs and truths of four faces."""
    rng = np.random.default_rng(0)
    return rng.uniform(0, 1, (3, 4, 24, 24, 3))


def test_by_hand():
    """One pixel is to go from 0 to 0.8 in one channel; the edit makes 0.6, and 0.2 elsewhere."""
    source = np.zeros((1, 2, 2, 3))
    wanted, edit = source.copy(), source.copy()
    wanted[0, 0, 0, 0] = 0.8
    edit[0, 0, 0, 0], edit[0, 1, 1, 2] = 0.6, 0.2
    assert truth.error(edit, source, wanted) == pytest.approx((0.04 + 0.04) / 0.64)
    assert truth.share(edit, source, wanted) == pytest.approx(0.6 * 0.8 / 0.64)
    # Gradients of the truth: two of 0.8; of the edit: two of 0.6 and two of 0.2.
    assert truth.gradient_energy(edit, source, wanted) == pytest.approx((0.72 + 0.08) / 1.28)
    # Steps of the truth: 0.8 to the right and down, both of which lead to another pixel.
    everywhere = np.ones((1, 2, 2), bool)
    assert truth.edge_strength(edit, wanted, everywhere) == pytest.approx(1.6 / 1.6)
    below = np.array([[[False, False], [True, False]]])
    assert truth.edge_strength(edit, wanted, below) == pytest.approx(0.6 / 0.8)
    assert truth.l1(edit, wanted) == pytest.approx((0.2 + 0.2) / 12)
    assert truth.rmse(edit, wanted) == pytest.approx(np.sqrt(0.08 / 12))
    region = np.array([[True, False], [False, False]])
    assert truth.l1(edit, wanted, region) == pytest.approx(0.2 / 3)


def test_the_oracle_and_the_copy(pictures):
    _, sources, truths = pictures
    assert np.allclose(truth.error(truths, sources, truths), 0)
    assert np.allclose(truth.share(truths, sources, truths), 1)
    assert np.allclose(truth.gradient_energy(truths, sources, truths), 1)
    everywhere = np.ones(truths.shape[:3], bool)
    assert np.allclose(truth.edge_strength(truths, truths, everywhere), 1)
    assert np.allclose(truth.edge_strength(truths * 0.25 + 0.1, truths, everywhere), 0.25)
    assert np.isnan(truth.edge_strength(truths, truths, ~everywhere)).all()
    assert np.allclose(truth.error(sources, sources, truths), 1)
    assert np.allclose(truth.share(sources, sources, truths), 0)
    assert np.allclose(truth.gradient_energy(sources, sources, truths), 0)
    assert np.isposinf(truth.psnr(truths, truths)).all()
    assert np.allclose(truth.ssim(truths, truths), 1)


def test_pictures_without_a_change_have_no_error():
    same = np.full((1, 4, 4, 3), 0.5)
    almost = same + 0.2 / 255  # less than a step of the file format
    for measure in (truth.error, truth.share, truth.gradient_energy):
        assert np.isnan(measure(same, same, almost)).all()


def test_each_picture_by_itself(pictures):
    """Order and number of pictures in a call do not matter."""
    edits, sources, truths = pictures
    for measure in (truth.error, truth.share, truth.gradient_energy):
        together = measure(edits, sources, truths)
        alone = [measure(edits[[i]], sources[[i]], truths[[i]])[0] for i in (3, 1, 0, 2)]
        assert np.allclose(together[[3, 1, 0, 2]], alone, rtol=1e-12)


def test_against_scikit_image(pictures):
    edits, _, truths = pictures
    for edit, wanted, ours, noise in zip(
        edits, truths, truth.ssim(edits, truths), truth.psnr(edits, truths), strict=True
    ):
        _, full = structural_similarity(
            wanted,
            edit,
            data_range=1,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
            full=True,
        )
        assert ours == pytest.approx(full.mean(), abs=1e-6)
        assert noise == pytest.approx(peak_signal_noise_ratio(wanted, edit, data_range=1))


def test_a_region_of_ssim_is_that_of_scikit_images_map(pictures):
    edits, _, truths = pictures
    region = regions.face_region(CropSpec(24))
    _, full = structural_similarity(
        truths[0],
        edits[0],
        data_range=1,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    assert truth.ssim(edits, truths, region)[0] == pytest.approx(full[region].mean(), abs=1e-6)


def test_overlap_by_hand():
    attention = np.ones((2, 2, 2, 1))
    attention[0, 0] = 0.2  # repaints the upper row
    changed = np.zeros((2, 2, 2), bool)
    changed[0, :, 0] = True  # the left column
    assert truth.overlap(attention, changed)[0] == pytest.approx(1 / 3)
    assert np.isnan(truth.overlap(attention, changed)[1])


def test_an_empty_region_has_no_mean(pictures):
    edits, _, truths = pictures
    nothing = np.zeros((24, 24), bool)
    assert np.isnan(truth.rmse(edits, truths, nothing)).all()


def test_face_region_is_the_crops_middle():
    region = regions.face_region(CropSpec(100, margin=0.0))
    assert region.mean() == pytest.approx(np.pi / 4, abs=0.01)
    region = regions.face_region(CropSpec(100, margin=0.5))  # the face takes half of the side
    assert region.mean() == pytest.approx(np.pi / 16, abs=0.01)
    assert np.array_equal(region, region[::-1]) and np.array_equal(region, region.T)


def test_changed_needs_more_than_a_jpeg_does():
    source = np.zeros((1, 1, 3, 3))
    wanted = source.copy()
    wanted[0, 0, :, 1] = [0.0, 4 / 255, 6 / 255]
    assert regions.changed(source, wanted).tolist() == [[[False, False, True]]]
