"""The sandbox for user code, the job worker that runs in it, and the notebook kernel."""
