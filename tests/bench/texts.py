"""Petitions to submit: made from a seed, as long as people's real ones, or read from a file (TEXTS=FILE).

The lengths follow those of 9,400 petitions to a city: half below 225 characters, one in twenty above 1,250.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEDIAN, SPREAD = 225, 1.05
SHORTEST, LONGEST = 40, 2000
AREA = "430111"
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林罗高"
GIVEN = ("秀英", "建国", "敏", "丽华", "志强", "桂兰", "伟", "小红", "国庆", "玉梅", "磊", "春生")
PLACES = (
    "幸福里",
    "望江苑",
    "桐梓坡小区",
    "新河家园",
    "东风新村",
    "麓谷花苑",
    "星沙一村",
    "雨敞坪镇",
    "北辰路口",
)


@dataclass(frozen=True)
class Text:
    """One petition's own words and who wrote them."""

    title: str
    content: str
    name: str
    phone: str

    def submission(self) -> bytes:
        """The body of a POST."""
        petitioner = {"name": self.name, "phone": self.phone}
        # Without its district a petition would wait for a person, and half of the line would not be measured.
        asked = {"title": self.title, "content": self.content, "area": AREA, "petitioner": petitioner}
        return json.dumps(asked, ensure_ascii=False).encode()


@dataclass(frozen=True)
class Subject:
    """What one sort of petition is about: its titles and the sentences it is made of."""

    titles: tuple[str, ...]
    sentences: tuple[str, ...]


SUBJECTS = (
    Subject(
        ("{place}工地拖欠农民工工资", "公司欠薪{n}个月不发"),
        (
            "我从{month}月起在{place}的工地做木工，一共做了{n}个月。",
            "包工头说好按月结工资，到现在只给过{n}百元生活费。",
            "我们{n}个农民工多次去项目部讨要工资，对方总说甲方没有付款。",
            "公司没有和我们签劳动合同，也没有买社保。",
            "去劳动监察大队登记过一次，至今没有收到答复。",
        ),
    ),
    Subject(
        ("{place}物业不作为", "{place}物业乱收费，业主反映无门"),
        (
            "{place}的物业公司从{month}月开始把物业费涨了{n}成，没有经过业主大会同意。",
            "小区的电梯一个月坏了{n}次，物业只贴一张通知就不管了。",
            "公共区域的停车位被物业租给外面的人，收入从来没有公示过。",
            "业主想成立业主委员会，物业百般阻拦。",
            "楼道里的灯坏了{n}个多月，老人晚上下楼很不安全。",
        ),
    ),
    Subject(
        ("{place}开发商逾期交房", "购房合同约定的房产证迟迟办不下来"),
        (
            "我在{place}买了一套商品房，合同约定{month}月交房，现在已经逾期{n}个月。",
            "开发商说资金紧张，楼盘停工了，购房者每月还要还贷款。",
            "交房时发现墙面开裂、房屋漏水，验收手续也不齐全。",
            "我们{n}户购房者要求开发商按合同支付违约金，对方一直不理。",
            "不动产权证拖了{n}年没有办下来，孩子上学受到影响。",
        ),
    ),
    Subject(
        ("{place}附近工厂夜间排放废气", "噪音扰民，请求查处"),
        (
            "{place}旁边的工厂每天夜里{n}点以后偷排废气，气味刺鼻。",
            "工厂的污水直接流进水塘，鱼都死了。",
            "夜市和工地的噪音一直到凌晨，老人和小孩无法入睡。",
            "拨打环保热线{n}次，来人检查时他们就停机，走了又开。",
            "请环保部门夜间来监测，公布检测结果。",
        ),
    ),
    Subject(
        ("{place}学校违规补课收费", "小学入学名额问题"),
        (
            "{place}的学校要求学生周末补课，每人收费{n}百元。",
            "我家孩子今年上小学，划片范围内的学校说学位已满。",
            "老师在校外办培训班，要求本班学生参加。",
            "幼儿园的伙食费涨了{n}成，孩子却说吃不饱。",
            "希望教育局核实以后给家长一个说法。",
        ),
    ),
    Subject(
        ("{place}公交车班次太少", "出租车拒载，投诉没有结果"),
        (
            "{place}的公交车要等{n}十分钟才来一趟，上班经常迟到。",
            "{month}月起线路改道，附近几个小区的人都没有公交可坐。",
            "出租车司机在火车站拒载，还不打表。",
            "路口没有红绿灯，这个月已经发生{n}起交通事故。",
            "请交通部门调整班次，恢复原来的站点。",
        ),
    ),
    Subject(
        ("{place}征地补偿款没有发到位", "房屋被征收，安置房一直没有着落"),
        (
            "{place}{month}月征收了我家{n}亩土地，补偿款到现在没有发到位。",
            "拆迁时承诺两年内安置，如今在外面租房已经{n}年。",
            "征收补偿标准没有公示，各家的说法都不一样。",
            "村里有{n}户人家和我们情况一样，都没有拿到过渡费。",
            "请征收部门公开补偿方案和发放明细。",
        ),
    ),
    Subject(
        ("{place}医院收费不合理", "医疗费用报销问题"),
        (
            "我父亲{month}月在医院住院{n}天，出院时的费用清单对不上。",
            "手术后伤口感染，医院不肯说明原因，病历也不让复印。",
            "医生让我们到外面的药店买药，一次就花了{n}百元。",
            "医保窗口说这一项不能报销，却拿不出文件。",
            "请卫生健康部门查清这起医疗纠纷。",
        ),
    ),
    Subject(
        ("{place}经常停水停电", "自来水水质浑浊"),
        (
            "{place}从{month}月起每周停水{n}次，事先没有通知。",
            "自来水放出来是黄色的，沉淀以后有一层泥沙。",
            "天然气管道接通{n}年了，燃气公司一直不给开通。",
            "用电高峰时电压不稳，家里的冰箱烧坏了。",
            "请自来水公司派人检修二次供水设施。",
        ),
    ),
    Subject(
        ("预付卡商家跑路，要求退款", "{place}超市销售过期食品"),
        (
            "{place}的健身房{month}月突然关门，我的会员卡里还有{n}百元。",
            "商家失联，消费者建了一个群，已经有{n}十多人登记。",
            "在超市买到过期食品，店家不肯退货，也不肯赔偿。",
            "网上买的商品和宣传不符，商家拒绝退款。",
            "请市场监管部门帮助我们维护消费者的权益。",
        ),
    ),
    Subject(
        ("咨询养老保险补缴", "退休金发放问题"),
        (
            "我在单位工作了{n}十年，档案丢失后养老保险办不了补缴。",
            "退休手续{month}月就交上去了，养老金至今没有发放。",
            "社保局和原单位互相推，跑了{n}趟也没有结果。",
            "低保申请交到社区{n}个月，没有人上门核实。",
            "请人社部门告诉我还需要哪些材料。",
        ),
    ),
    Subject(
        ("有个问题想请领导过问", "一件难办的事"),
        (
            "事情已经拖了{n}年，中间找过很多人。",
            "每次打电话过去都说正在研究，让我再等等。",
            "我年纪大了，跑不动，只能写信反映。",
            "{place}这一带的人都知道这件事。",
            "希望能有一个明确的答复，不要再互相推诿。",
        ),
    ),
)
LINKS = (
    "我把经过写在下面，句句属实，愿意当面说明。",
    "前后跑了{n}趟，花去不少时间和路费，家里人也跟着着急。",
    "{month}月{n}日我又去问了一次，工作人员让我留下电话回去等。",
    "手里的收据、照片和聊天记录都还在，需要时可以提供。",
)
OPENINGS = ("尊敬的领导：您好！", "您好，我是{place}的居民。", "领导好，现反映以下情况。")
CLOSINGS = ("恳请尽快处理，谢谢！", "盼复。", "请有关部门调查核实并给予答复，万分感谢！")


def made(seed: int) -> Iterator[Text]:
    """Texts without end; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - words, not secrets
    while True:
        subject = chance.choice(SUBJECTS)
        wanted = min(LONGEST, max(SHORTEST, int(chance.lognormvariate(0, SPREAD) * MEDIAN)))
        words = [_filled(chance.choice(OPENINGS), chance)]
        length = len(words[0])
        while length < wanted - 10:
            sentence = chance.choice(subject.sentences if chance.random() < 0.75 else LINKS)
            words.append(_filled(sentence, chance))
            length += len(words[-1])
        words.append(chance.choice(CLOSINGS))
        yield Text(_filled(chance.choice(subject.titles), chance), "".join(words), *_person(chance))


def read(file: Path, seed: int) -> Iterator[Text]:
    """The texts of a file with one JSON object a line and a field `text`, over and over."""
    chance = random.Random(seed)  # noqa: S311 - the same texts for the same seed, no secret
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [str(json.loads(line)["text"]).strip() for line in lines if line.strip()]
    while True:
        for text in found:
            yield Text(text.replace("\n", " ")[:30] or "无题", text[:20_000] or "无", *_person(chance))


def chosen(seed: int, file: str) -> Iterator[Text]:
    """From the file, or made where none is named."""
    return read(Path(file), seed) if file else made(seed)


def _person(chance: random.Random) -> tuple[str, str]:
    return chance.choice(SURNAMES) + chance.choice(GIVEN), f"138{chance.randrange(10**8):08d}"


def _filled(sentence: str, chance: random.Random) -> str:
    return sentence.format(
        place=chance.choice(PLACES), month=chance.randrange(1, 13), n=chance.randrange(2, 10)
    )
