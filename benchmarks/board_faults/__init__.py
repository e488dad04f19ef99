"""Faults on both wires of the sensor board, again and again: no wrong image, no hang, no error without a name?"""
