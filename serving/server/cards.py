"""What the model cards of served versions say, and requests that go beyond it."""

import logging
import threading
import weakref

import numpy as np

from ganimation_tf.errors import UserError
from ganimation_tf.export import signature
from ganimation_tf.export.model_card import ModelCard
from serving.server.models import LoadedVersion
from serving.server.task import Arrays

log = logging.getLogger(__name__)


def card_of(version: LoadedVersion) -> ModelCard | None:
    """The card that a version answers `describe` with; None of somebody else's model."""
    if signature.DESCRIBE not in version.functions:
        return None
    asked = {signature.REQUEST: np.array([b""], object)}
    try:
        text = version.functions[signature.DESCRIBE](asked)[signature.CARD][0]
        return ModelCard.from_json(text.decode())
    except (UserError, ValueError, KeyError, TypeError, AttributeError):
        return None


class Ranges:
    """Says, once for each AU of a version, that it was asked for more than training saw."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # By version and not by number, which another export may have once this one is gone.
        self._cards: weakref.WeakKeyDictionary[LoadedVersion, ModelCard | None]
        self._cards = weakref.WeakKeyDictionary()
        self._told: weakref.WeakKeyDictionary[LoadedVersion, set[str]] = weakref.WeakKeyDictionary()

    def look(self, version: LoadedVersion, inputs: Arrays) -> None:
        """Looks at a request that was answered.

        Args:
            inputs: of its signature; `action_units` float (rows, N), where it has them.
        """
        wanted = inputs.get(signature.ACTION_UNITS)
        if wanted is None or not np.size(wanted):
            return
        if version not in self._cards:
            self._cards[version] = card_of(version)
        card = self._cards[version]
        if card is None or not card.intensity_ranges:
            return
        wanted = np.asarray(wanted)
        for row in (wanted.min(0), wanted.max(0)):
            for name, said in card.beyond(row).items():
                with self._lock:
                    told = self._told.setdefault(version, set())
                    new = name not in told
                    told.add(name)
                if new:
                    log.warning(
                        "version %d is asked for %s: it guesses there; told once for each AU",
                        version.number,
                        said,
                    )
