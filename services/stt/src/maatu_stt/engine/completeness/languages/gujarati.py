"""Gujarati: the verb comes last, in most tenses with a copula."""

from maatu_stt.engine.completeness.clauses import Converbs, VerbLast
from maatu_stt.engine.completeness.reading import endings, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

RULES = Rules(
    trailing=phrases(
        # Fillers.
        "એટલે એટલે_કે મતલબ અમ્મ હમ્મ",
        # Conjunctions and subordinators.
        "અને કે અથવા પરંતુ કારણ કારણકે કારણ_કે જો તો જ્યારે જેથી જે ત્યારે કેમકે કેમ_કે જ્યાં છતાં તેથી",
        # Possessives and determiners.
        "મારો મારી મારું મારા તારો તારી તારું તારા અમારો અમારી અમારું અમારા તમારો તમારી તમારું તમારા તેનો તેની",
        "તેનું તેના એનો એની એનું એના આપણો આપણી આપણા એક આ",
        "કયા કયો કઈ દરેક બહુ ખૂબ ઘણા ઘણી થોડું થોડા લગભગ ફક્ત",
        # Subjects and experiencers.
        "હું મને તને અમને તમને તેને એને મેં તેણે તેમણે અમે કૃપા_કરીને મહેરબાની_કરીને",
        # Postpositions that a verb follows.
        "વિશે દ્વારા ",
    ),
    answers=phrases(
        "હા ના હાજી જી નહીં નહિ બરાબર ઠીક_છે ઓકે આભાર ધન્યવાદ નમસ્તે હેલો કેમ_છો મજામાં ખબર_નથી મને_ખબર_નથી ચોક્કસ",
        "સાચું આવજો બસ ઊભા_રહો થોભો શુભ_રાત્રી",
        "સારું જરૂર માફ_કરશો વાંધો_નહીં",
    ),
    closings=phrases("આભાર ધન્યવાદ આવજો"),
    goes_on=Converbs(
        words=phrases(
            "કરીને જઈને આવીને લઈને આપીને થઈને કહીને જોઈને રહીને કરવા જવા લેવા આપવા જોવા કરતા_કરતા કરવાની કરવાનું",
            "કરવાનો",
        ),
        endings=endings("ીને ઈને વાથી વામાં ત્યારે વાની વાનો"),
        exceptions=phrases("મહિને કોઈને"),
    ),
    is_clause=VerbLast(
        finite=phrases(
            "છે છું છો છીએ હતો હતી હતું હતા હશે હોય નથી જોઈએ જોઇએ જોઈશે નહોતો નહોતી નહોતું પડશે થશે મળશે",
            "કરો આપો બતાવો કહો જાઓ જાવ આવો લો ચાલો મોકલો જુઓ બોલો સાંભળો રાખો મૂકો ખોલો વાંચો લાવો ઊભા_રહો સમજાવો",
            "પૂછો લખો બેસો આપશો કરશો કહેશો જણાવો",
            "ગયો ગઈ ગયું ગયા આવ્યો આવી_ગઈ આવ્યું કર્યું કર્યો કહ્યું થયું થયો આપ્યું લીધું મળ્યું રહ્યો બોલ્યા",
            "છે_ને છે_કે_નહીં છો_ને",
        ),
        finite_endings=endings("ીશ ઈશ ીશું ઈશું શો શે"),
        not_finite=phrases("દેશે વિશે દિશે કેશે વેશે"),
        question_words=phrases("શું ક્યાં ક્યારે કેટલું કોણ કેમ"),
        subjects=phrases("હું તું તમે અમે તે તેઓ મને તમને તમારે મારે આજે કાલે હવે તેને એ આ"),
        dative_endings=endings("ને માં થી નું ની નો"),
    ),
    numbers=Numbers(
        digits=phrases("શૂન્ય ઝીરો એક બે ત્રણ ચાર પાંચ છ સાત આઠ નવ ડબલ"),
        others=phrases("દસ અગિયાર બાર પંદર વીસ પચીસ ત્રીસ ચાલીસ પચાસ સાઠ સિત્તેર એંસી નેવું સો હજાર લાખ કરોડ સાડા"),
        dictated={
            **dict.fromkeys(phrases("પિન ઓટીપી કોડ"), 6),
            **dict.fromkeys(phrases("ફોન_નંબર મોબાઇલ_નંબર મોબાઈલ_નંબર મારો_નંબર ખાતા_નંબર એકાઉન્ટ_નંબર"), 10),
        },
        dates=phrases("જાન્યુઆરી ફેબ્રુઆરી માર્ચ એપ્રિલ મે જૂન જુલાઈ ઓગસ્ટ સપ્ટેમ્બર ઓક્ટોબર નવેમ્બર ડિસેમ્બર"),
    ),
)
