"""Characters: which kind each one is, as the pre-tokenizers of byte-level vocabularies see it.

In: a code point. Out: one of seven kinds. The table is frozen, so that the same release gives the same batches with
every version of Python and of `tokenizers`. It was made by asking `tokenizers` 0.23 about every code point; what had no
category in Unicode 14, or what the library's own rules disagree about, is UNKNOWN, and text that holds it is never cut
near it. Reading it takes 5 ms and 1.1 MB.
"""

import base64
import zlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

LETTER, NUMBER, SPACE, BLANK, APOSTROPHE, SIGN, UNKNOWN = range(7)
_NAMES = {"l": LETTER, "n": NUMBER, "w": BLANK, "p": SIGN, "x": UNKNOWN}
# Runs over all code points, each a letter of _NAMES and a length in hexadecimal digits.
_RUNS = (
    "c-"
    "oy=OOmWO47^Gm0e>)X96rU0AlNm>A7`dSxnK92n3xSzQO1^~R4V1Vrq@^hx<Y(?h1a#e&iQo>uOrl3(QW20LAR+s!+<l^NBo>#r#^(&ne=ebZP"
    "#tBbL7{tzOMJ{=ry~)JO)0h*Z8{Q>&W)QT|Y!0mtMCX;+lEuwbHoMDPG51_%IgE5omdwFhl)*@%1YWue%Nn3+6sJ{axRVT^(BQq36ys48hDLxr"
    "sX;4Y<}3)fhAE&1u84nRmS{G@!3bFEsegSEBqDIejpjj!^8o`84s`^XFZAooGA_!uL9RU!RULkjvLi6uKZ*;}gs)K2wMms)PH&?l5O(4mn2JDz"
    "^tYaBxQ_c<6pYJn(aTEQcpA1_|#6bIL6TapYOtO-&47bN+S7`2FfThBtCE1!Hm#G){&N+*fo9W?yMCvpDSMN`14rQSk69t-"
    "g2LhxUXIg8}Oq{C5ZbT;sa~>s+}0<~@zC-"
    "n;#?`7QZwGC#*AC89skn1ob=+j=@o8_T}2LKjwCZrpi~VaM2d%Rtb5H$OBp4YXHpL_>7zuABLP4*q)nb%psiFa2Dmd~oquK)c>JbsK6W{m;3Sq"
    "wsh#(>_iQsmUj^P|gfvgC*^9a1dt4f`B^0P*|n_uXX;;Xbq-"
    "_)&``y!729NgV^iy*gTqjg2`9!KfhkZeG!$boi<qsyi(+~y31qM>H~Rp5os`eL^9WAwtxfas8h@@cFN8s$yqS*`Nkzg`WhdL8`nROSQOd3IdWs"
    "eG0&4YwO_)&jukPc_KhrxT)A<EtwYTMaC#Ml;uwo%6+QxL8H<}Dofp=zM6V4501ybrCnnOQXOW@ZK8Uj?2`rTy>_Ua2Q|x+Gt4_0O;u<|oiH?4"
    "_Ei>;?I5D-dcs2Cg1S|-)RvH6CEi#e6V=Gu{(Xgl*+#Bm0si#L^*Ji%>X4}JUkqEjIsrQH|;3B#t-"
    "1e3vtah81#K_W)nve;&OM$ppQpHLfrkbuQ7F8+}QwP;#^5S0{_Q~C{)_`W<J2dh1YOiaXH{Y(img$Y2AI)NfK_)gJIRgOP$*i+6%+#-i{`-"
    "p98MILK&zFi+fPYVC2^7EHQ%Ngt3JfdDb8GMtJ>6wNFY(pN3tr`+h2zQa7?~gS#UwomEY{5l2{b9~YcNucQ?Aqx<q?M(eMB+6#q^axNGmlCZ!M"
    "oK>u;`c%F18TJdIu*Sy@a0B4viADE^1*m3KJ<0FRWM6af=*?AoyMYzgrdOsm1Hy2W!Min;YO8GOjALbWsh(a+{c2O*xlEtSuVI3Cp%<j7TAqI6"
    "_&uFj+KId?jYIWh2CAV4RFYF|c$JjoMvON@873D=!Tr5l{fJnJNwBUu0wTV4z(KzLjR{hC~MJRlz#UfJsV%#RXh3ZA5Mun(vzb83VxQYY%06BS"
    "dzMWpFr^3F={V9t%&84GBazKO-G!c@w3iTjxo^iPd`(<!Fmo4Rfid1$ImY8nk`0AtSZ2&B<f`QjCdQt)UAqWl1)Rj0RQ%P}M-"
    "iu<AdJ{txGDF?{j4t||F1gnUK3(PK@bmbO%H%&;}+VcKG?4lqAJm!pxyq`PeRWT*S;=U4o2vAbx36D_9KL0p0+WEIuZc+6~KYSBSI+|`8s6Sah"
    "ASP8Sc}tD);#MW=F_71#YtJZH)V!>v8XG*HK5TOZ1;8NF$LKJki`g`u)}|rHtPYcbDp*cYPbA0E*-s-"
    "Tt#c?tVSL5F^ln3{0e)kKAt4ORi|^_WCI9R5q&I;N%kiM<JqnT5lFlw6bMKBe6s*lmB2o!s7(XfrB9$umX9UCDscR$9W0P3*Eap>2sh2+OM9c_"
    "=c#@zxtH+N=7(2IHKV{-"
    "~a}`StIjL4IX_oq%H~t%VmdG5f&9_84+2S+5i$Us8;pVmy4Id@42jX|dHt)Vpm9a^raDuw$ZNT=Z9mrabZoz`|dVO_6@!cDTUmud}gzQBo&(^)"
    "N`(8-+NSz{iH!77;D+f`t3K@9_eq{s8vgr*8rkg~7n{skC^@sLd{pl?_#U9>XN}jSWb7FG6W2<#MEy*-"
    ";ZbSfMM5VjPg?3I5tOeYEsOAT{GOUQISB62h<^R~uhNih{+u63W?2VppH9k_$i+6jWO@K#9gsBm2aW!AN#Ic4cSet)W@2k0b&T4`KW46r=u4wF"
    ">2mIu(1ejwR2RA2Gg3Seti(>jXtU58$kxUK!%E;CEmr1%8X;m^g8=d66x+6oQOQSb;*K=wUKf2A1eI`}S@<d|rjSSyJ;2n6jM4>YJkDEYEhKJS"
    "&&uP-8tXc>4R=abdTBxe%?Eqx-"
    "7m!OPSH0J`ga@EEPk)@*6mBYc)rnR=%vMiWr$b#k7tPU5d7h)38jqr;O9eZ)dJb%r5D<*&i=EP(p;uG0N&8G#4UD+^`B8PqS|d5<8kwRc;S#`M"
    "qSJ~1xKGxYWNdFnd|6qnc&va{G8S|}Xc{L!-^=4M)dGU<f#Gat7pG;Y)h}Rr=|~{zvu-"
    "R#K#3nq&kps@4+#uLo$w5pJ~r@RcW{H|hg}seLpoR4g(Qse{hXh*aSWA#?p+Swnv)%p5V19aZ>#<}iX5eqEssdL0Z3g|gko1r$Wz0D)&_KiHDz"
    "|4ZbgB6ja07}df#DI+O2-OdcJysN=N8>>6|=#P70snCp!oUk78-|nA<aiu|4Zt8=CB!<4+G!b}GNZ=eGa9Z_Mixf;PgLyJrEYrI-"
    "G<RM~o0Vj(z{Ht7QQCur#Cs6oaJu5_Lw2sI^deU|3XNwA58uyt~Q9&QhOO~QxT3AzWr>ppmy@=%Qz(Ur3$zD+04C#b))eEuGQpaV!)FVQ>Q>k~"
    "O^AmWc=F*im$rJ~qkzx4g-FZ2BE+Kz0KBmY>}3Ykh>YH<VLXwRWTSD}-eA|UUdbA7u;ac%X&j5o)J$Lz()Pe9)yL!51II<iI4NiL-"
    "a%M^`&j*E8xoYY9F;zjE!-(JBp(9vrOJ?y<|C)074l>-"
    "TUCGTwiJKUoWnm&KCL@A40Dd3n3&liBRE{P#GgIF1jr?zA#?r5o|nWupDQ~$=Ol<jYiuGER<ZS4))a7%}ltU9#b_c!|Aec!bU`|uB*@Dc$"
)


@cache
def kinds() -> NDArray[np.uint8]:
    """uint8[0x110000], the kind of each code point: LETTER, NUMBER, SPACE (U+0020), BLANK (other white space),
    APOSTROPHE (U+0027), SIGN (all other characters) or UNKNOWN."""
    runs = zlib.decompress(base64.b85decode(_RUNS)).decode("ascii").split(" ")
    names = np.array([_NAMES[run[0]] for run in runs], np.uint8)
    found = np.repeat(names, [int(run[1:], 16) for run in runs])
    found[0x20], found[0x27] = SPACE, APOSTROPHE
    found.flags.writeable = False
    return found
