"""Names on their way to the workers: each arrives once, and few wait at a time."""

import pytest
from apache_beam import coders

from pipeline import listing
from pipeline.entries import Entries, EntriesCoder, Entry

ENTRIES = [Entry(f"{i:04}", "image", f"{i:04}.jpg", f"/photos/{i:04}.jpg") for i in range(1000)]


@pytest.mark.parametrize("waiting", [10, 999, 1000, 5000])
def test_each_entry_is_in_one_batch_of_its_shard(monkeypatch, waiting):
    monkeypatch.setattr(listing, "_BATCH", 30)
    monkeypatch.setattr(listing, "_WAITING", waiting)
    actual = list(listing.batches(iter(ENTRIES), lambda entry: entry.key[-1]))
    entries = [(name, entry) for name, batch in actual for entry in batch]
    assert sorted(entry for _, entry in entries) == ENTRIES
    assert all(name == entry.key[-1] for name, entry in entries)
    assert all(len(list(batch)) <= 30 for _, batch in actual)


def test_few_entries_wait():
    taken = 0

    def entries():
        nonlocal taken
        for number in range(3 * listing._WAITING):
            taken = number + 1
            yield Entry(str(number), "image", "", None)

    first = next(listing.batches(entries(), lambda entry: entry.key))
    assert taken == listing._WAITING and list(first[1]) == [Entry("0", "image", "", None)]


def test_packed_entries_are_small():
    coder = EntriesCoder()
    encoded = coder.encode(Entries(ENTRIES))
    assert len(encoded) < 20 * len(ENTRIES)
    assert list(coder.decode(encoded)) == ENTRIES
    assert list(coder.decode(coder.encode(Entries()))) == []
    assert isinstance(coders.registry.get_coder(Entries), EntriesCoder)
