"""Dataset versions on disk: a manifest, and files that are written once.

:mod:`.writing` makes a version in a folder of its own, :mod:`.committing` puts it into a store, :mod:`.reading` finds
and reads rows, :mod:`.comparing` tells where two versions differ.
"""

from alphintra.store.columns import Column
from alphintra.store.manifest import About, Manifest, Provenance
from alphintra.store.reading import Version
from alphintra.store.writing import VersionWriter

__all__ = ["About", "Column", "Manifest", "Provenance", "Version", "VersionWriter"]
