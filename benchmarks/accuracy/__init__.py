"""How well and how fast prints are told apart: Whorl, and its peers, over folders of prints.

``python -m benchmarks.accuracy DIR`` measures one extractor with one matcher;
``python -m benchmarks.accuracy_table DIR`` measures all of them side by side.

Every system is given the very same pixels: each image is resampled to 500 dpi, cropped and quantised
(`imaging`), and only then extracted. Rates are printed, and written, in percent.
"""
