"""Where a ticket goes with each step, and what a person may do there."""

from __future__ import annotations

from gateway.events.tickets import TicketAction, TicketState

NEXT = {
    TicketAction.REGISTER: (TicketState.REGISTERED, (TicketAction.ASSIGN, TicketAction.DISMISS)),
    TicketAction.DISMISS: (TicketState.DISMISSED, ()),
    TicketAction.ASSIGN: (TicketState.RECTIFYING, (TicketAction.RECTIFY,)),
    TicketAction.RECTIFY: (
        TicketState.AWAITING_RECHECK,
        (TicketAction.PASS_RECHECK, TicketAction.REJECT_RECHECK),
    ),
    TicketAction.PASS_RECHECK: (TicketState.RECHECKED, (TicketAction.WRITE_OFF,)),
    TicketAction.REJECT_RECHECK: (TicketState.RECTIFYING, (TicketAction.RECTIFY,)),
    TicketAction.WRITE_OFF: (TicketState.WRITTEN_OFF, ()),
}
