"""The generator as a SavedModel and in other formats, with names, card and checks.

`ganimation_tf.export(...)`, called, is `ganimation_tf.api.export`.
"""

import sys
import types
import typing


class _CallableModule(types.ModuleType):
    """`ganimation_tf.export` is this package and a public function as well: it can be called.

    Python binds a package's name when anything of it is imported, so `ganimation_tf` alone cannot
    give the name to the function.
    """

    def __call__(self, *args: typing.Any, **options: typing.Any) -> typing.Any:
        from ganimation_tf.export import versions

        return versions.export_run(*args, **options)


sys.modules[__name__].__class__ = _CallableModule
