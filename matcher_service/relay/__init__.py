"""Relaying: a state bureau passes submissions on to the centre above, and a centre takes them from it.

At the state: `evidence` keeps what kiosks signed, `outbox` what is to go up, `upward` speaks with the centre, `answers`
keeps what came back, `passing` what of it goes on to the kiosk. At the centre: `rights` says who may bring for whom,
`door` looks at what is brought.
"""
