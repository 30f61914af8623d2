"""What a folder of annotations says about photos, one by one."""

import pytest

from ganimation_tf.annotations.folder import Folder
from openface_files import write_photo

OWN, OTHER = "p1/0001", "p9/0001"


@pytest.mark.parametrize("spelling", ["{}", "/elsewhere/{}", "imgs/{}"])
def test_a_table_s_row_is_of_the_photo_that_it_names(tmp_path, spelling):
    for key in (OWN, OTHER):
        write_photo(tmp_path / f"photos/{key}.jpg")
    rows = [f"{spelling.format(key)}.jpg,{value}" for key, value in ((OTHER, 0.1), (OWN, 0.9))]
    (tmp_path / "t.csv").write_text("\n".join(["key,AU12", *rows]))
    folder = Folder(tmp_path / "t.csv", tmp_path / "photos")
    said = {key: [face.intensities.tolist() for face in folder.faces(key)] for key in (OWN, OTHER)}
    assert said == {OWN: [[0.9]], OTHER: [[0.1]]}
