"""Portuguese, of Brazil and of Portugal: the verb comes early and carries its subject."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.reading import phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_TRAILING = phrases(
    # Fillers.
    "ahn hum tipo ou_seja quer_dizer é_que então_é",
    # Articles (also contracted with a preposition), determiners, possessives.
    "o a os as um uma uns umas do da dos das no na nos nas ao à aos às pelo pela pelos pelas num numa meu minha",
    "meus minhas",
    "teu tua seu sua seus suas nosso nossa nossos nossas cada algum alguma nenhum nenhuma",
    # Conjunctions, subordinators, relatives.
    "e ou mas porém porque que se quando enquanto embora como cujo cuja nem pois para_que já_que assim_que",
    # Prepositions.
    "de em com por para pra sem sobre entre até desde contra segundo durante após sob perante antes_de depois_de",
    "perto_de",
    # Clitics and subjects before their verb.
    "me te lhe eu nós",
    # Auxiliaries and modals.
    "é são era ser ter tenho_que tem_que temos_que posso pode podemos podem poderia gostaria gostava_de vou vai",
    "vamos vão",
    "estou está estão estava tinha havia quero_que preciso_de queria muito tão não_me mais_do",
)
_ANSWERS = phrases(
    "sim não obrigado obrigada muito_obrigado muito_obrigada olá oi tchau adeus claro certo exato exatamente",
    "perfeito ótimo ok",
    "okay tudo_bem está_bem tá_bom com_certeza por_favor_não não_obrigado sim_por_favor bom_dia boa_tarde",
    "boa_noite não_sei",
    "até_logo até_amanhã que_horas_são quanto_é quem_é como_vai pare espere um_momento é_isso só_isso",
    "também_não",
    "acho_que_sim acho_que_não de_nada desculpa desculpe por_que_não não_entendi entendi pode_ser beleza isso",
)
_FINITE = phrases(
    "é são sou és somos era eram foi foram estou estás está estão estamos estava estavam tenho tens tem temos têm",
    "tinha há houve",
    "quero queres quer queremos querem queria posso podes pode podemos podem poderia podia vou vais vai vamos vão",
    "ia fui preciso",
    "precisa precisamos devo deve sei sabe sabes acho acha penso prefiro prefere gosto gosta gostaria gostava faço",
    "faz fazem fez",
    "fiz digo diz disse vejo vê viu venho vem veio chega chegou cheguei moro mora trabalho trabalha como come bebo",
    "custa abre",
    "fecha sai funciona procuro conheço conhece entendo entende lembro dói doem parece ficou fica fico começa",
    "termina joga late",
    "fala falo desliga liga ponha põe diga mostre mostra dê manda envia reserva explica toca leva levo contém",
    "comprei perdi será",
    "costumo costuma acabei comi bebi dormi vive vivo chama chamo chamas parte passa ajuda ajude precisava tive",
    "teve feito",
)
_OPEN = phrases(
    "na_semana a_semana o_mês o_ano quero quer preciso tenho tem temos posso fazer faz ter dar dizer pôr colocar",
    "comprar procurar encontrar",
    "reservar mudar",
    "cancelar pedir saber ver levar prefiro prefere acho penso procuro ir tomar explicar mostrar enviar mandar",
    "ligar chamar diga",
    "primeiro primeira segunda terceiro próximo próxima último última melhor pior maior menor bom boa mau má outro",
    "outra outros",
    "outras mesmo mesma todo toda todos todas muita muitos muitas pouco poucos alguns algumas vários várias dois",
    "duas três quatro",
    "cinco seis sete oito nove dez este esta estes estas esse essa aquele aquela isso qual quanto quanta quantos",
    "quantas onde quem",
    "quase só também sempre nunca já ainda além então depois antes fim final lado tipo parte data nome número",
    "preço ele ela você",
    "vocês eles elas mesa bilhete coisa coisas vez forma maneira desde foi não mais menos gosto gosta grande",
    "pequeno pequena novo",
)
RULES = Rules(
    trailing=_TRAILING,
    answers=_ANSWERS,
    closings=phrases("por_favor obrigado obrigada muito_obrigado muito_obrigada tchau até_logo até_amanhã"),
    is_clause=VerbEarly(
        statement_words=6,
        finite=_FINITE,
        open_words=_OPEN,
        question_openers=phrases(
            "qual quais quem como onde quando quanto quanta quantos quantas aonde por_que o_que a_que de_onde",
            "que_horas que_tempo",
            "você_pode pode podes poderia podia tem há sabe você_tem",
        ),
        question_prepositions=phrases("a de"),
        lead_ins=phrases("e mas bom então olá oi sim não ah pois ok"),
        subordinators=phrases("se quando embora porque enquanto como"),
        closers=phrases(
            "hoje amanhã ontem agora aqui ali lá cedo tarde noite semana mês ano favor logo também juntos dias",
            "semanas meses anos",
            "horas minutos euros reais ninguém nada casa segunda-feira terça-feira quarta-feira quinta-feira",
            "sexta-feira sábado",
            "domingo manhã",
        ),
    ),
    numbers=Numbers(
        digits=phrases("zero um dois duas três quatro cinco seis meia sete oito nove hífen traço"),
        others=phrases(
            "dez onze doze treze quatorze catorze quinze vinte trinta quarenta cinquenta sessenta cem cento mil",
            "vírgula",
        ),
        dictated={
            **dict.fromkeys(("cep", "código", "código postal"), 7),
            **dict.fromkeys(
                (
                    "meu número",
                    "número é",
                    "telefone é",
                    "meu telefone",
                    "celular é",
                    "de telefone",
                    "da conta",
                    "do cartão",
                    "do pedido",
                    "cpf é",
                    "meu cpf",
                ),
                10,
            ),
        },
        dates=phrases("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro de"),
    ),
)
