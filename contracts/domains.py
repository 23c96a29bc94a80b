"""The 19 domains in which the city counts petitions, with the names that people read (domain.md)."""

from enum import StrEnum
from typing import Final


class Domain(StrEnum):
    """The code of one of the 19 domains."""

    NATURAL_RESOURCES = "natural-resources"
    LABOR_SOCIAL_SECURITY = "labor-social-security"
    URBAN_RURAL_CONSTRUCTION = "urban-rural-construction"
    HOUSING = "housing"
    TRANSPORT = "transport"
    ENVIRONMENT = "environment"
    HEALTH = "health"
    EDUCATION = "education"
    CULTURE_SPORTS_TOURISM = "culture-sports-tourism"
    COMMERCE = "commerce"
    FINANCE = "finance"
    ECONOMY = "economy"
    SCIENCE_INFORMATION = "science-information"
    AGRICULTURE = "agriculture"
    CIVIL_AFFAIRS = "civil-affairs"
    JUSTICE = "justice"
    DISCIPLINE = "discipline"
    ORGANISATION = "organisation"
    VETERANS = "veterans"


NAMES: Final[dict[Domain, str]] = {
    Domain.NATURAL_RESOURCES: "自然资源",
    Domain.LABOR_SOCIAL_SECURITY: "劳动和社会保障",
    Domain.URBAN_RURAL_CONSTRUCTION: "城乡建设",
    Domain.HOUSING: "住房保障",
    Domain.TRANSPORT: "交通运输",
    Domain.ENVIRONMENT: "生态环境",
    Domain.HEALTH: "卫生健康",
    Domain.EDUCATION: "教育",
    Domain.CULTURE_SPORTS_TOURISM: "文体旅游",
    Domain.COMMERCE: "商贸与市场监管",
    Domain.FINANCE: "金融",
    Domain.ECONOMY: "经济管理",
    Domain.SCIENCE_INFORMATION: "科技与信息产业",
    Domain.AGRICULTURE: "农业农村",
    Domain.CIVIL_AFFAIRS: "民政",
    Domain.JUSTICE: "政法",
    Domain.DISCIPLINE: "纪检监察",
    Domain.ORGANISATION: "党务政务与组织人事",
    Domain.VETERANS: "退役军人",
}
