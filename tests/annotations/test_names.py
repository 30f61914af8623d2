"""Which image a name in a table means."""

import pytest

from ganimation_tf.annotations.face import AnnotationError
from ganimation_tf.annotations.names import ImageNames


@pytest.mark.parametrize("rows", [["b.jpg", "a.jpg"], ["a.jpg", "b.jpg"]])
def test_what_a_name_means_does_not_depend_on_the_rows_before_it(rows):
    names, meant = ImageNames(["s1/a", "s2/a", "s1/b"]), {}
    for name in rows:
        try:
            meant[name] = names.key(name, True)
        except AnnotationError as error:
            meant[name] = error.code
    assert meant == {"b.jpg": "s1/b", "a.jpg": "ambiguous_key"}
