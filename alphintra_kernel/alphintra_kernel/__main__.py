"""``python -m alphintra_kernel -f CONNECTION_FILE``: the notebook kernel."""

from alphintra_kernel.kernelapp import main

if __name__ == "__main__":
    main()
