import numpy as np
import pytest

from ganimation_tf.media import contact_sheet
from ganimation_tf.media.contact_sheet import GAP


def plain(value, size=32, channels=3):
    return np.full((size, size, channels), value, np.uint8)


def test_pictures_stand_row_by_row_untouched():
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 256, (20, 30, 3), np.uint8) for _ in range(5)]
    sheet = contact_sheet.grid(pictures, 3)
    assert sheet.shape == (GAP + 2 * (20 + GAP), GAP + 3 * (30 + GAP), 3)
    for position, picture in enumerate(pictures):
        row, column = divmod(position, 3)
        top, left = GAP + row * (20 + GAP), GAP + column * (30 + GAP)
        np.testing.assert_array_equal(sheet[top : top + 20, left : left + 30], picture)
    assert (sheet[GAP + 20 + GAP :, GAP + 2 * (30 + GAP) :] == 255).all()  # the empty place


def test_gray_pictures_become_rgb():
    sheet = contact_sheet.grid([plain(7, channels=1), np.full((32, 32), 9, np.uint8)], 2)
    assert sheet[GAP, GAP].tolist() == [7, 7, 7]
    assert sheet[GAP, GAP + 32 + GAP].tolist() == [9, 9, 9]


def test_text_is_written_outside_the_pictures():
    bare = contact_sheet.grid([plain(0)] * 2, 2)
    sheet = contact_sheet.grid(
        [plain(0)] * 2, 2, labels=["AU12\n0.50", "AU12\n1.00"], titles=["in", "out"]
    )
    assert sheet.shape[0] > bare.shape[0] + 30  # a title and two lines
    dark = (sheet == 0).all(-1)
    rows, columns = np.nonzero(dark)
    top = rows.min()
    assert dark.sum() == 2 * 32 * 32  # the pictures are whole
    assert (sheet[GAP:top] < 128).any() and (sheet[top + 32 :] < 128).any()
    left, right = sheet[top + 32 :, : GAP + 32], sheet[top + 32 :, GAP + 32 + GAP :]
    assert (left[:, GAP:] != right[:, :32]).any()  # each has its own label


def test_long_labels_get_smaller_text():
    short = contact_sheet.grid([plain(0, 64)], 1, labels=["AU12"])
    long = contact_sheet.grid([plain(0, 64)], 1, labels=["AU12 1.00 AU06"])
    assert long.shape[0] < short.shape[0]


def test_row_titles_stand_left_of_their_rows():
    bare = contact_sheet.grid([plain(0)] * 4, 2)
    sheet = contact_sheet.grid([plain(0)] * 4, 2, row_titles=["AU12\n0.30 now", "AU45"])
    margin = sheet.shape[1] - bare.shape[1]
    assert margin > 20 and sheet.shape[0] == bare.shape[0]
    np.testing.assert_array_equal(sheet[:, margin + GAP :], bare[:, GAP:])
    first, second = sheet[GAP : GAP + 32, :margin], sheet[GAP + 32 + GAP :, :margin]
    assert (first < 128).sum() > (second < 128).sum() > 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([], 2), "got 0 and 2"),
        (([plain(0)], 0), "got 1 and 0"),
        (([plain(0), plain(0, 16)], 2), "picture 1 is 16 x 16, the first 32 x 32"),
        (([plain(0)], 1, ["a", "b"]), "1 pictures need as many labels, got 2"),
        (([plain(0)], 1, (), ["a", "b"]), "1 columns need as many titles, got 2"),
        (([plain(0)], 1, (), (), ["a", "b"]), "1 rows need as many titles, got 2"),
        (([np.zeros((4, 4, 3))], 1), r"must be uint8 \(H, W"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, text):
    with pytest.raises(ValueError, match=text):
        contact_sheet.grid(*arguments)
