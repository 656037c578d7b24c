"""``python -m alphintra_server.sealing DATA_DIR``: make a further master key, for what is sealed from now on."""

import sys
from pathlib import Path

from .keys import MasterKeys

if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m alphintra_server.sealing DATA_DIR")
    sys.stdout.write(f"{MasterKeys(Path(sys.argv[1]) / 'keys').rotate()}\n")
