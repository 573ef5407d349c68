"""Korean: the verb comes last, and its polite endings close; particles and connective endings go on."""

from maatu_stt.engine.completeness.clauses import Converbs, VerbLast
from maatu_stt.engine.completeness.reading import endings, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

RULES = Rules(
    trailing=phrases(
        # Fillers.
        "음 어 저기 그 저 뭐랄까 그러니까 그니까 있잖아",
        # Conjunctions.
        "그리고 그런데 근데 하지만 그래서 또는 혹은 만약 만일 왜냐하면 그러면 및",
        # Determiners, possessives, subjects.
        "이 제 내 우리 저희 나의 너의 한 두 세 어떤 무슨 모든 다른 새 아주 너무 매우 더 안 못 저는 나는 제가",
        "내가 우리는 당신은",
    ),
    answers=phrases(
        "네 예 아니요 아니오 아뇨 응 좋아요 좋아 알겠습니다 알겠어요 감사합니다 고맙습니다 고마워요 고마워",
        "안녕 안녕하세요 안녕히_계세요 안녕히_가세요 그만 됐어요 맞아요 맞습니다 괜찮아요",
        "여보세요 왜요 몰라요",
        "모르겠어요 잘_모르겠어요 그래요 그래 물론이죠 죄송합니다 미안해요 네_맞아요 얼마예요",
    ),
    closings=phrases("감사합니다 고맙습니다 고마워요"),
    goes_on=Converbs(
        endings=endings(
            "은 는 을 를 에서 에게 한테 하고 이고 고 지만 는데 은데 면서 려고 으려고 으니까 가니까 하니까",
            "오니까 아서 어서 해서 으면 하면 면 의 와 과 랑 이랑 부터 까지 때문에 거나",
            "도록 다가",
        ),
        exceptions=phrases(
            "네고 수면 라면 화면 측면 전화를 입니까 사과 결과 효과 가은 지은 광고 최고 창고 창의 회의 주의 동의"
        ),
    ),
    is_clause=VerbLast(
        finite=phrases("있어 없어 해 해줘 줘 가자 하자 할게 할래 싶어 몰라 알아"),
        finite_endings=endings(
            "습니다 입니다 합니다 됩니다 갑니다 옵니다 니다 니까 세요 십시오 어요 아요 해요 예요 에요 이에요",
            "네요 나요 가요 까요 지요 죠 래요 게요 군요 거든요 데요 대요 워요 줘요 져요",
            "와요 려요",
        ),
        not_finite=phrases("필요 수요 중요 주요 개요 소요 동요"),
    ),
    numbers=Numbers(
        digits=phrases("공 영 일 이 삼 사 오 육 칠 팔 구"),
        others=phrases("십 백 천 만"),
        dictated=dict.fromkeys(phrases("전화번호는 번호는 계좌번호는 휴대폰_번호는"), 10),
    ),
)
