"""Spanish: the verb comes early and carries its subject; questions open with an inverted mark where a model punctuates."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.reading import phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_FILLERS = phrases("eh em pues o_sea es_decir a_ver digamos mmm bueno_pues")
_DETERMINERS = phrases(
    "el la los las un una unos unas lo del al mi mis tu tus su sus nuestra nuestro nuestras nuestros cada algún",
    "ningún gran",
)
# "que" and the relatives; "como", "cuando", "donde" without accent are never questions.
_CONJUNCTIONS = phrases(
    "y e o u ni pero sino porque que si cuando mientras aunque como donde quien cuyo cuya pues así_que para_que",
    "ya_que",
    "entonces_y además_de por_lo_que",
)
_PREPOSITIONS = phrases(
    "a de en con por para sin sobre entre hacia hasta desde según durante contra tras ante bajo mediante",
)
# Clitics stand before their verb; "me", "te", "se" never end anything.
_CLITICS = phrases("me te se nos os le les")
_AUXILIARIES = phrases(
    "es son era eran ser he ha han has hemos había habían haya puedo puedes puede podemos pueden podría podrías",
    "podría_usted",
    "voy_a vas_a va_a vamos_a van_a quiero_que tengo_que tienes_que tiene_que hay_que quisiera me_gustaría debo",
    "debes debe",
    "suelo suele acabo_de está_muy es_muy muy tan no_me no_se no_lo",
)
_ANSWERS = phrases(
    "sí no vale claro gracias muchas_gracias hola adiós bueno bien perfecto exacto exactamente correcto genial",
    "estupendo ok",
    "okay de_acuerdo por_supuesto claro_que_sí claro_que_no por_favor_no no_gracias sí_gracias sí_por_favor",
    "hasta_luego",
    "hasta_mañana buenos_días buenas_tardes buenas_noches no_sé no_lo_sé ya_está eso_es alto espera",
    "un_momento",
    "cómo_estás cómo_está qué_tal qué_hora_es cuánto_es quién_es qué_es_eso dónde_estás por_qué_no",
    "creo_que_sí",
    "creo_que_no tampoco también nada qué_pasa cómo_te_llamas cómo_se_llama no_entiendo lo_siento perdón de_nada",
    "encantado",
)
_CLOSINGS = phrases("por_favor gracias muchas_gracias adiós hasta_luego hasta_mañana")
_FINITE = phrases(
    "es son soy eres somos era eran fue fueron estoy estás está están estamos estaba estaban estuve he has ha han",
    "hemos había",
    "hay tengo tienes tiene tenemos tienen tenía tuve quiero quieres quiere queremos quieren quería quisiera puedo",
    "puedes puede",
    "podemos pueden podría podrías podríamos voy vas va vamos van iba fui necesito necesitas necesita debo debes",
    "debe sé sabes",
    "sabe saben creo crees cree pienso piensas prefiero prefieres prefiere gusta gustan gustaría encanta duele",
    "duelen hago",
    "haces hace hacen hizo hice digo dices dice dijo dije veo ves ve vi vio vengo vienes viene vino llega llegó",
    "llegué vive",
    "vivo vives trabajo trabajas trabaja trabajaba estudio estudia como comes come bebo puedo lleva llevo llevas",
    "suelo sueles",
    "suele acabo parece pasa pasó cuesta cuestan abre cierra sale salen salgo funciona funcionan busco buscas",
    "conozco conoce",
    "entiendo entiende recuerdo recuerdas significa dura empieza termina juega juego habla hablo hablas retrasado",
    "ladra paga",
    "apaga enciende pon ponme dime dame muéstrame abre cierra llama envía manda busca reserva explica explícame",
    "cuéntame sube",
    "baja quita cambia repite deja haz ven ve lee toca recuérdame ayúdame compré compra perdí perdido será serán",
    "sería tendré",
)
_OPEN = phrases(
    "la_semana el_mes el_año quiero quieres quiere necesito necesitas tengo tienes tiene tenemos puedo hacer hace",
    "hago tener dar decir",
    "poner comprar",
    "buscar encontrar reservar cambiar cancelar pedir saber ver llevar prefiero prefieres prefieren creo pienso",
    "busco ir llevo",
    "necesitar tomar explicar mostrar enviar mandar llamar regalar regalarle decirme dime dame digo dice dijo",
    "primer primera segundo segunda tercer próximo próxima último última mejor peor mayor menor buen buena mal",
    "otro otra otros",
    "mismo misma todo toda todos todas mucho mucha muchos muchas poco pocos alguna algunos varias varios dos tres",
    "cuatro cinco",
    "seis siete ocho nueve diez este esta estos estas ese esa esos aquel aquella qué cuál cuánto cuánta cuántos",
    "cuántas cómo",
    "dónde cuándo quién demasiado casi solo sólo también siempre nunca ya todavía aún además entonces luego",
    "después antes",
    "final principio lado tipo clase parte fecha nombre número precio yo tú él ella nosotros ellos usted billete",
    "mesa",
    "estoy estás está están estaba fue fui va voy vas vamos viene cosa cosas vez forma manera",
)
RULES = Rules(
    trailing=_FILLERS | _DETERMINERS | _CONJUNCTIONS | _PREPOSITIONS | _CLITICS | _AUXILIARIES,
    answers=_ANSWERS,
    closings=_CLOSINGS,
    is_clause=VerbEarly(
        question_words=4,
        finite=_FINITE,
        open_words=_OPEN,
        question_openers=phrases(
            "qué cuál cuáles quién quiénes cómo dónde cuándo cuánto cuánta cuántos cuántas adónde por_qué a_qué",
            "de_qué en_qué",
            "con_quién para_qué de_dónde puedes puede podrías podría me_puedes me_puede tienes quieres sabes hay",
        ),
        question_prepositions=phrases("a de en con para"),
        lead_ins=phrases("y pero bueno pues entonces hola oye sí no por_favor ah vale"),
        subordinators=phrases("si cuando aunque porque mientras como"),
        closers=phrases(
            "hoy mañana ayer ahora aquí allí ahí tarde noche semana mes año favor luego pronto también temprano",
            "juntos días",
            "semanas meses años horas minutos euros dólares nadie nada casa lunes martes miércoles jueves viernes",
            "sábado domingo",
        ),
    ),
    numbers=Numbers(
        digits=phrases("cero uno dos tres cuatro cinco seis siete ocho nueve guion guión doble"),
        others=phrases(
            "diez once doce trece catorce quince dieciséis veinte veinticinco treinta cuarenta cincuenta sesenta",
            "setenta ochenta",
            "noventa cien ciento doscientos quinientos mil millón coma",
        ),
        dictated={
            **dict.fromkeys(("pin", "clave"), 4),
            **dict.fromkeys(("código", "código postal"), 5),
            **dict.fromkeys(
                (
                    "mi número",
                    "número es",
                    "teléfono es",
                    "mi teléfono",
                    "móvil es",
                    "celular es",
                    "de teléfono",
                    "de cuenta",
                    "de tarjeta",
                    "de pedido",
                    "de cliente",
                    "de referencia",
                    "mi dni",
                    "dni es",
                ),
                9,
            ),
        },
        dates=phrases("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre de"),
    ),
)
