"""Italian: the verb comes early and carries its subject; articles contract with prepositions and elide."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.reading import Reading, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_TRAILING = phrases(
    # Fillers.
    "ehm cioè allora_ehm diciamo ecco_ehm insomma_ehm",
    # Articles, alone and contracted, determiners, possessives.
    "il lo la i gli le un uno una del dello della dei degli delle al allo alla ai agli alle dal dalla dai dalle",
    "nel nella nei",
    "nelle sul sulla sui sulle mio mia miei mie tuo tua tuoi tue suo sua suoi sue nostro nostra vostro vostra ogni",
    "qualche",
    # Conjunctions, subordinators, relatives.
    "e ed o oppure ma però_se che se quando_il mentre anche_se sebbene poiché affinché come_se né cui finché",
    # Prepositions.
    "di a da in con su per tra fra senza verso durante contro secondo fino_a prima_di vicino_a insieme_a",
    # Clitics before their verb, and subjects.
    "mi ti si ci ne io",
    # Auxiliaries and modals.
    "è sono_un ho hai ha abbiamo avete hanno era_un vorrei posso puoi può possiamo devo devi deve dobbiamo",
    "voglio_che sto stai",
    "sta stanno mi_piacerebbe molto più_di non non_mi",
)
_ANSWERS = phrases(
    "sì no grazie grazie_mille ciao certo esatto esattamente giusto perfetto bene va_bene benissimo ok okay",
    "d'accordo okay_grazie",
    "buongiorno buonasera buonanotte arrivederci a_domani non_lo_so lo_so non_so basta fermati aspetta un_attimo",
    "un_momento",
    "per_favore come_stai come_sta come_va che_ore_sono quanto_è chi_è perché_no no_grazie sì_grazie",
    "prego",
    "scusa scusi mi_dispiace credo_di_sì credo_di_no anch'io neanch'io è_tutto ho_capito non_ho_capito capito",
    "assolutamente",
)
_FINITE = phrases(
    "è sono sei siamo siete era erano ero fu sarà sarebbe ho hai ha abbiamo avete hanno aveva avevo sto stai sta",
    "stiamo stanno",
    "stavo vado vai va andiamo vanno voglio vuoi vuole vogliamo vorrei vorrebbe posso puoi può possiamo possono",
    "potrei potrebbe",
    "potresti devo devi deve dobbiamo devono so sai sa credo credi penso pensi preferisco preferisci piace",
    "piacciono piacerebbe",
    "faccio fai fa fanno dico dici dice vedo vedi vengo vieni viene arriva arrivo abito abiti abita vivo vive",
    "lavoro lavora lavori",
    "mangio mangia bevo costa costano apre chiude parte parto esce funziona cerco cerchi conosco conosci capisco",
    "capisce ricordo",
    "significa dura comincia finisce gioca parla parlo parli c'è ci_sono c'era serve bisogna fammi dimmi dammi",
    "mostrami metti",
    "accendi spegni apri chiudi chiama manda invia cerca prenota spiega spiegami prendi porta leggi ripeti aiutami",
    "ricordami",
    "abbaia giocano contiene manca mancano sembra resta rimane chiamo chiami chiama fa_male dov'è com'è cos'è qual_è",
    "quant'è",
)
_OPEN = phrases(
    "la_settimana il_mese voglio vuoi vuole ho_bisogno bisogno faccio fare avere dare dire mettere comprare",
    "trovare prenotare cambiare",
    "cancellare",
    "chiedere sapere vedere portare prendere preferisco credo penso cerco andare spiegare mostrare mandare inviare",
    "chiamare regalare",
    "primo prima seconda terzo prossimo prossima ultimo ultima migliore peggiore buon buona buono bel bella bello",
    "grande piccolo",
    "piccola nuovo nuova vecchio altro altra altri altre stesso stessa tutto tutta tutti tutte molta molti molte",
    "poco pochi alcuni",
    "alcune due tre quattro cinque sei sette otto nove dieci questo questa questi queste quel quella quei quello",
    "quale quali quanto",
    "quanti quante come dove quando chi cosa che_cosa perché quasi solo anche sempre mai già ancora poi allora",
    "dopo fine inizio",
    "lato tipo parte data nome numero prezzo lui lei noi loro voi tavolo biglietto volta modo cose dimmi dammi",
    "fammi sono sei stato",
    "troppo più meno va vado vai fa viene sembra so sai",
)


def _goes_on(reading: Reading) -> bool:
    return reading.last in ("l", "un", "dell", "all", "nell", "dall", "sull", "d", "c", "quest", "quell", "dov", "com")


RULES = Rules(
    trailing=_TRAILING,
    answers=_ANSWERS,
    closings=phrases("per_favore per_piacere grazie grazie_mille ciao arrivederci a_domani"),
    goes_on=_goes_on,
    is_clause=VerbEarly(
        statement_words=6,
        finite=_FINITE,
        open_words=_OPEN,
        question_openers=phrases(
            "che chi cosa come dove dov'è quando quanto quanta quanti quante quale quali perché cos'è com'è qual",
            "a_che di_che",
            "da_dove puoi può potresti potrebbe mi_puoi mi_può c'è ci_sono hai vuoi sai",
        ),
        question_prepositions=phrases("a di da"),
        lead_ins=phrases("e ma allora ciao sì no ah oh senti scusa ok bene"),
        subordinators=phrases("se quando perché mentre poiché sebbene siccome"),
        closers=phrases(
            "oggi domani ieri adesso ora qui qua lì là presto tardi sera mattina notte settimana mese anno favore",
            "anche insieme",
            "giorni settimane mesi anni ore minuti euro nessuno niente casa lunedì martedì mercoledì giovedì",
            "venerdì sabato domenica",
            "pomeriggio stasera stamattina",
        ),
    ),
    numbers=Numbers(
        digits=phrases("zero uno due tre quattro cinque sei sette otto nove trattino doppio"),
        others=phrases(
            "dieci undici dodici tredici quindici venti trenta quaranta cinquanta sessanta settanta ottanta",
            "novanta cento mille",
        ),
        dictated={
            **dict.fromkeys(("pin", "il codice"), 4),
            **dict.fromkeys(("cap",), 5),
            **dict.fromkeys(
                (
                    "mio numero",
                    "numero è",
                    "di telefono",
                    "di conto",
                    "telefono è",
                    "cellulare è",
                    "della carta",
                    "dell'ordine",
                ),
                9,
            ),
        },
        dates=phrases(
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        ),
    ),
)
