"""How a search grows with its gallery, 10 thousand prints to a million: identification, penetration, time, memory.

The gallery is a simulated crowd (`models.synthetic.crowd`) and the mates of the probes, which are real impressions
where a folder of them is given, else rendered ones through the extractor.
"""
