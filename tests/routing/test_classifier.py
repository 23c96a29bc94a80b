"""The classifier on petitions written for this test: the right body, in both scripts, with reasons."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opencc import OpenCC

from contracts.bodies import Body
from contracts.domains import Domain
from contracts.kinds import Kind
from services.routing.classifier import Classification, Lexicon, classify, load

PETITIONS: list[tuple[Body, str, str]] = [
    (Body.LABOR, "老板拖欠工资不给", "我们十几个人在工地干了半年,工资一直没有结清,请帮我们讨要。"),
    (Body.LABOR, "单位不签劳动合同", "公司一直不签劳动合同,也不付加班费,去年底又把我辞退了。"),
    (Body.LABOR, "乡村教师津贴何时发放", "我们几位教师的乡镇工作补贴和绩效工资拖了一年,请人社部门答复。"),
    (Body.LABOR, "工伤认定被推诿", "父亲上班时被机器轧伤,厂里不肯申报工伤,请问工伤认定怎么申请?"),
    (Body.SOCIAL_SECURITY, "养老保险转移问题", "我从外省回来,养老保险关系转不过来,社保局让我补材料。"),
    (Body.SOCIAL_SECURITY, "公积金贷款被拒", "公积金缴存满两年,中途断缴一个月,公积金中心不给贷款。"),
    (Body.SOCIAL_SECURITY, "医保报销比例太低", "母亲住院,新农合报销比例低,慢性病门诊也报不了。"),
    (Body.SOCIAL_SECURITY, "申请低保没有回音", "家里有残疾人,没有收入,低保申请交上去半年没人答复。"),
    (Body.PROPERTY, "物业费涨价业主不同意", "物业公司没有征求业主大会意见就涨物业费,业委会也管不了。"),
    (Body.PROPERTY, "小区电梯经常坏", "我们楼的电梯三天两头困人,物业不修,维修基金也用不了。"),
    (Body.PROPERTY, "小区车位被私装地锁", "小区内公共车位被人装上地锁,物业管理不作为。"),
    (Body.REALESTATE, "开发商延期交房", "购房合同写明去年底交房,楼盘停工,开发商不给违约金。"),
    (Body.REALESTATE, "房产证迟迟办不下来", "入住五年了,开发商没有办初始登记,我们业主的不动产证没有着落。"),
    (Body.REALESTATE, "公租房申请条件咨询", "请问外来务工人员申请公租房要什么条件,多久轮候?"),
    (Body.EXPROPRIATION, "拆迁补偿款没有到位", "房子三年前就拆了,拆迁补偿款和过渡费至今没有发。"),
    (Body.EXPROPRIATION, "安置房什么时候分", "我们是征地拆迁户,安置房建了六年还没分到手。"),
    (Body.EXPROPRIATION, "棚户区改造何时启动", "我们这里列入棚改计划,一直没有征收,请问何时拆迁?"),
    (Body.CONSTRUCTION, "断头路何时打通", "门口的道路建设停了两年,断头路一直没有拉通,请问何时动工?"),
    (Body.CONSTRUCTION, "楼顶违章建筑没人拆", "有人在楼顶违章搭建,举报给城管后违建越盖越高。"),
    (Body.CONSTRUCTION, "希望老旧小区提质改造", "我们院子建于八十年代,希望纳入老旧小区改造,道路破损严重。"),
    (Body.CONSTRUCTION, "路边摊贩占道经营", "流动摊贩天天占道经营,人行道走不了,城管不管。"),
    (Body.UTILITIES, "天天停水没人管", "我们这一片从上周起停水,自来水公司电话打不通。"),
    (Body.UTILITIES, "路灯坏了半年", "巷子里的路灯不亮已经半年,老人晚上不敢出门。"),
    (Body.UTILITIES, "天然气什么时候能接通", "管道铺到门口两年了,燃气公司就是不通气。"),
    (Body.UTILITIES, "二次供水水质差", "居民楼二次供水水压低,水质发黄,一户一表改造一直没做。"),
    (Body.TRANSPORT, "希望增加公交车班次", "早晚高峰公交车等半个多小时,希望延伸公交线路到地铁站。"),
    (Body.TRANSPORT, "路口红绿灯时间太短", "这个路口的红绿灯设置不合理,天天堵车,请交警调整。"),
    (Body.TRANSPORT, "路边停车收费不合理", "马路边停车位收费太贵,停车难,还常被贴罚单。"),
    (Body.ENVIRONMENT, "工地夜间施工噪音扰民", "工地每天凌晨还在施工,噪音大得睡不着觉。"),
    (Body.ENVIRONMENT, "楼下饭店油烟直排", "一楼烧烤店油烟熏人,臭味难闻,请环保局查处。"),
    (Body.ENVIRONMENT, "化工厂偷排废水", "河边的化工厂夜里偷排废水,河水发黑,污染严重。"),
    (Body.MEDICAL, "医院误诊要求赔偿", "孩子在医院做手术后病情加重,医生拒绝解释,要求处理医疗事故。"),
    (Body.MEDICAL, "二胎准生证怎么办", "请问再婚夫妇生育二胎,准生证在哪里办理?"),
    (Body.MEDICAL, "社区没有卫生院看病难", "附近没有卫生院,老人看病要走很远,希望建一所医院。"),
    (Body.EDUCATION, "幼儿园乱收费", "孩子上的幼儿园这学期伙食费又涨了,家长都不同意。"),
    (Body.EDUCATION, "小学入学划片不公", "同一个院子的孩子,学区划分却不一样,请教育局解释招生政策。"),
    (Body.EDUCATION, "培训机构不退学费", "给孩子报的辅导班关了门,培训机构拒绝退费。"),
    (Body.CONSUMER, "健身房关门会员卡不退", "办了两年会员卡,健身房突然关门,商家不退款。"),
    (Body.CONSUMER, "超市卖过期食品", "在超市买到过期食品,要求退货被拒,请市场监管局处理。"),
    (Body.CONSUMER, "怀疑遇到传销", "朋友拉我入会交钱发展下线,像是传销,请工商局查一查。"),
    (Body.FINANCE, "理财平台跑路", "我在一家网贷平台投资的本金和利息都取不出来,涉嫌非法集资。"),
    (Body.FINANCE, "银行乱扣费", "银行没有告知就从我的信用卡里扣了年费,贷款利息也算错了。"),
    (Body.FINANCE, "保险公司拒绝理赔", "买了多年的保险,出事后保险公司拖着不理赔。"),
    (Body.RURAL, "村里水渠多年失修", "村里的水渠垮了,农田没法灌溉,村委会说没有钱。"),
    (Body.RURAL, "村民小组的水泥路没修到户", "我们村民小组还是泥巴路,希望修水泥路。"),
    (Body.RURAL, "宅基地审批卡住了", "我家是农村户,要建房,村干部不给批宅基地。"),
    (Body.LITIGATION, "判决生效对方不执行", "法院判决已经一年,申请强制执行没有结果。"),
    (Body.LITIGATION, "孩子上户口被拒", "新生儿上户口,派出所说材料不够,请问怎么落户?"),
    (Body.LITIGATION, "电动车被盗报警没结果", "楼下的电动车被偷,派出所立案后没有消息。"),
]
NAMES = [title for _, title, _ in PETITIONS]
ANYTHING = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=300)
WORDS = st.sampled_from(["拖欠工资", "小区", "停水", "建议", "举报", "。", " ", "\x00", "\ud800", "醫院"])


@cache
def lexicon() -> Lexicon:
    return load()


def asked(title: str, content: str) -> Classification:
    return classify(title, content, lexicon=lexicon())


def test_the_petitions_of_this_file_cover_all_bodies() -> None:
    assert set(Body) == {body for body, _, _ in PETITIONS}
    assert len(PETITIONS) >= 40


@pytest.mark.parametrize(("body", "title", "content"), PETITIONS, ids=NAMES)
def test_finds_the_body_when_written_in_simplified_characters(body: Body, title: str, content: str) -> None:
    assert asked(title, content).body == body


@pytest.mark.parametrize("variant", ["s2t", "s2tw", "s2hk"])
def test_says_the_same_when_written_in_traditional_characters(variant: str) -> None:
    traditional = OpenCC(variant)
    for _, title, content in PETITIONS:
        assert asked(title, content) == asked(traditional.convert(title), traditional.convert(content)), title


def test_says_the_same_when_spaces_and_signs_stand_between_characters() -> None:
    for body, title, content in PETITIONS:
        noisy = "\u200b".join(title), "*".join(content)
        assert body == asked(*noisy).body, title


def test_says_the_same_when_written_full_width() -> None:
    assert asked("咨询etc卡", "p2p平台") == asked("咨询ETC卡", "P2P平台")


def test_is_not_sure_when_nothing_is_recognised() -> None:
    found = asked("你好", "嗯")

    assert (None, None, False, ()) == (found.body, found.domain, found.sure, found.reasons)


def test_is_not_sure_when_the_petition_is_empty() -> None:
    assert asked("", "").confidence == 0.0


def test_is_never_sure_when_wrongdoing_is_reported() -> None:
    found = asked("实名举报某局长贪污受贿", "该局长以权谋私,滥用职权,收受贿赂,挪用公款,请纪委查处。")

    assert (Kind.REPORT, False) == (found.kind, found.sure)


def test_knows_a_suggestion_when_one_is_made() -> None:
    found = asked("关于增设公交站的几点建议", "建议在学校门口增设公交站,建议开通社区公交线路。")

    assert (Kind.SUGGESTION, Body.TRANSPORT) == (found.kind, found.body)


def test_knows_a_request_when_help_is_asked_for() -> None:
    assert asked("请求解决停水问题", "已经停水三天,请帮忙解决。").kind is Kind.REQUEST


def test_asks_for_joint_handling_when_departments_pass_the_matter_on() -> None:
    found = asked("停车乱象", "物业、城管、交警几个部门互相推诿,踢皮球,希望多部门联合整治,联合执法。")

    assert found.joint


def test_is_sure_when_all_phrases_point_one_way() -> None:
    found = asked("工地拖欠农民工工资", "包工头拖欠农民工工资,劳动监察大队不受理,请帮我们讨薪。")

    assert (Body.LABOR, True) == (found.body, found.sure)
    assert found.domain is Domain.LABOR_SOCIAL_SECURITY
    assert "拖欠农民工" in {reason.term for reason in found.reasons}


def test_names_another_body_as_second() -> None:
    for _, title, content in PETITIONS:
        found = asked(title, content)
        assert found.second is not None
        assert found.second != found.body


def test_reasons_stand_strongest_first_and_are_five_at_most() -> None:
    for _, title, content in PETITIONS:
        weights = [reason.weight for reason in asked(title, content).reasons]
        assert sorted(weights, reverse=True) == weights
        assert 1 <= len(weights) <= 5
        assert min(weights) > 0


@settings(max_examples=300, deadline=None)
@given(title=ANYTHING, content=ANYTHING)
def test_never_raises_whatever_is_written(title: str, content: str) -> None:
    found = asked(title, content)

    assert 0.0 <= found.confidence <= 1.0
    assert found == asked(title, content)


@settings(max_examples=200, deadline=None)
@given(title=st.lists(WORDS, max_size=6).map("".join), content=st.lists(WORDS, max_size=40).map("".join))
def test_reasons_are_phrases_of_the_lexicon_whatever_is_written(title: str, content: str) -> None:
    known = set(lexicon().terms[: lexicon().phrases])

    found = asked(title, content)

    assert {reason.term for reason in found.reasons} <= known
    assert not (found.sure and (found.body is None or found.kind is Kind.REPORT))


@pytest.mark.parametrize("letter", ["停", "。", "\x00", "\ud800", "a", "拖欠工资。"])
def test_answers_when_a_hundred_thousand_characters_are_sent(letter: str) -> None:
    content = (letter * 100_000)[:100_000]

    assert asked(content, content) == asked(content, content)


@pytest.mark.parametrize("words", ["保护伞", "收受", "滥用职权", "贪污"])
def test_whoever_accuses_is_never_sent_to_a_body_by_the_machine(words: str) -> None:
    text = "公司拖欠农民工工资三个月，要求支付劳动报酬，请帮助讨薪。"
    assert classify("拖欠工资", text, lexicon=load()).sure
    assert not classify("拖欠工资", f"{text}老板背后有人{words}。", lexicon=load()).sure
