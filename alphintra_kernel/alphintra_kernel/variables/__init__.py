"""A notebook's trading objects, told on the control channel while a cell runs.

Two requests of Jupyter's debug protocol, which the debugger need not be on for:

========================  ============================================================================================
``alphintra/variables``   ``{filter}``: the list, see :func:`alphintra_kernel.variables.listing.listing`; or ``state``
                          ``working``, where it is to be asked for again
``alphintra/view``        ``{name}``: begins the rich view of an object; ``{ticket}``: asks how far it is;
                          ``{ticket, stop: true}``: nobody wants it any more. ``ticket``, ``state`` (``working``,
                          ``done``, ``failed``), then ``data`` by MIME type, or ``message``
========================  ============================================================================================

The channel also brings interrupts, one request at a time, so none of it is done there: it is done aside, and an answer
that takes longer is asked for again.
"""

from __future__ import annotations

from alphintra_kernel.variables.requests import Requests

__all__ = ["Requests"]
