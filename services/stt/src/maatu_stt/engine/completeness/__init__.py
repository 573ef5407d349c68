"""Does the transcript at a pause read complete? The endpointer waits less after one that does, and longer after one that goes on.

No model: word lists and verb endings by language (`languages`), the punctuation that goes on (`reading`), numbers and names being
dictated (`dictation`). A full stop or a question mark proves nothing, because Whisper writes it after cut sentences too; that
none is there proves nothing either, because models tuned on Indic languages write none. Errors are not symmetric: what wrongly
reads complete cuts a person off, what wrongly goes on costs them 0.7 s. So in doubt the answer is UNCERTAIN.

Languages whose verb comes last say by its ending that they are done, and need no punctuation. In those whose verb comes early
nothing but length and the last word tell, so that a closing mark is asked for too, except of questions.

Measured (bench/stt_completeness.py): whole sentences that read complete; the same sentences cut after each word that read complete
(many of them are: "I can't come today | because my car broke down"), with a full stop added and without punctuation; in per cent.

    everyday sentences                    whole    cut with "."    cut bare    sentences, cuts
    English, of the bench                    83             8.1         4.0         30, 198
    English, translate_es_en.tsv             96             6.2         3.4         24, 177
    Spanish, of the bench                    83             7.6         5.1          12, 79
    Spanish, translate_es_en.tsv             92             5.5         5.5         24, 163
    Kannada                                 100             6.2         6.2          16, 65
    Hindi                                    93             1.2         1.2          14, 85
    Bengali, Gujarati, Tamil, Telugu        100         2.4-5.4     2.4-5.4   10 each, 33-41
    Malayalam, Marathi, Punjabi           70-90         2.0-7.7     2.0-7.7   10 each, 33-50
    French                                   70             9.4         7.8          10, 64
    German, Italian, Portuguese           70-80         1.7-5.2     1.6-3.4   10 each, 58-62

Those sentences were seen while rules and least lengths were chosen, so that these figures flatter. Others (sentences of 3 to 16
words of treebanks of Universal Dependencies, of chatterbot-corpus, of a Kannada course) were kept apart as far as it says here:
a) not looked at, only others of the same source; b) totals watched; c) totals watched, and 20 to 40 sentences read before the
lists were written, of the Kannada course 300. Of them the rules recognise fewer, and in English more of the cut ones read complete:
those are long, written, and often whole long before their end.

    other sentences                       whole    cut with "."    cut bare    sentences
    a) English, chatterbot-corpus            48              12           8          400
    a) English, treebanks GUM and EWT     48-53           11-12         1-2          800
    b) Spanish, chatterbot-corpus            37               9           4          400
    b) French, treebank ParisStories         46               9           0          400
    c) Kannada, course                       89               0           0           80
    b) Hindi, treebank PUD                   76               1           1          310
    c) Tamil, treebank MWTT                  77               1           1          400
    c) Telugu, treebank MTG                  56               3           3          400
    b) Bengali, chatterbot-corpus            57               6           6          182
    c) Gujarati, treebank GujTB              70               3           3          156
    c) Malayalam, treebank UFAL              56               5           5          186
    c) Marathi, treebank UFAL                62               5           5          400
    b) Korean, chatterbot-corpus             77               0           4          400

Of everyday whole sentences none seemed to go on; of the others at most 6 %. About half of the cut ones do in languages whose verb
comes early, 15-40 % in the others. A judgement takes 15 to 60 microseconds on one core.
"""

from maatu_stt.engine.completeness.decision import Completeness, completeness

__all__ = ["Completeness", "completeness"]
