"""What the vendors' codes mean for us: tables, each with its source, and one rule for a code that is in none.

Only a code whose meaning says that nothing was sent may lead to a second sending; all others are Unknown.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

import structlog

from services.notify.sms import Fault, Misconfigured, NotSent, Refused, Result, Scope, Throttled, Unknown

log = structlog.get_logger()

Meaning = Callable[[str], Result]
_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_NO_CODE: Final = re.compile(r"[^A-Za-z0-9._:-]+")
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)


def refused(kind: Fault) -> Meaning:
    """The message would be refused again."""
    return lambda code: Refused(code, kind)


def throttled(retry_after: timedelta, scope: Scope = Scope.GATEWAY) -> Meaning:
    """Too fast, or too many to this number."""
    return lambda _code: Throttled(retry_after, scope)


NUMBER: Final = refused(Fault.NUMBER)
BLACKLIST: Final = refused(Fault.BLACKLIST)
CONTENT: Final = refused(Fault.CONTENT)
PARAMETER: Final = refused(Fault.PARAMETER)
# Something to be mended, of one template: the gateway goes on, and the message may go by another one.
TEMPLATE: Final = NotSent

# help.aliyun.com/document_detail/101346 (SMS) and the Dysmsapi error centre (codes without isv. and isp.).
ALIYUN: Final[Mapping[str, Meaning]] = {
    # Credentials, account, balance.
    "isp.RAM_PERMISSION_DENY": Misconfigured,
    "isv.OUT_OF_SERVICE": Misconfigured,
    "isv.AMOUNT_NOT_ENOUGH": Misconfigured,
    "isv.PRODUCT_UN_SUBSCRIPT": Misconfigured,
    "isv.PRODUCT_UNSUBSCRIBE": Misconfigured,
    "isv.ACCOUNT_NOT_EXISTS": Misconfigured,
    "isv.ACCOUNT_ABNORMAL": Misconfigured,
    "isv.SECURITY_FROZEN_ACCOUNT": Misconfigured,
    "isv.DENY_IP_RANGE": Misconfigured,
    "isv.MONTH_LIMIT_CONTROL": Misconfigured,  # an operator raises it, or waits for the next month
    "InvalidAccessKeyId": Misconfigured,
    "InvalidAccessKeyId.NotFound": Misconfigured,
    "InvalidAccessKeyId.Inactive": Misconfigured,
    "Forbidden": Misconfigured,
    "Forbidden.RAM": Misconfigured,
    "Forbidden.AccessKeyDisabled": Misconfigured,
    "NoPermission": Misconfigured,
    "SignatureDoesNotMatch": Misconfigured,
    "IncompleteSignature": Misconfigured,
    "InvalidTimeStamp.Expired": Misconfigured,  # our clock
    "InvalidTimeStamp.Format": Misconfigured,
    "InvalidVersion": Misconfigured,
    "InvalidAction.NotFound": Misconfigured,
    # Signature, template, extension.
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": TEMPLATE,  # this template is of another kind than the signature
    "isv.SMS_SIGNATURE_ILLEGAL": Misconfigured,
    "isv.SMS_SIGN_ILLEGAL": Misconfigured,
    "isv.SIGN_STATE_ILLEGAL": Misconfigured,
    "isv.SMS_TEMPLATE_ILLEGAL": TEMPLATE,
    "isv.TEMPLATE_MISSING_PARAMETERS": TEMPLATE,  # the mapping leaves out what the template wants
    "isv.EXTEND_CODE_ERROR": Misconfigured,
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": TEMPLATE,
    "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": Misconfigured,
    "isv.SMS_TEST_NUMBER_LIMIT": Misconfigured,
    # The message.
    "isv.MOBILE_NUMBER_ILLEGAL": NUMBER,
    "isv.CUSTOMER_REFUSED": BLACKLIST,
    "isv.SMS_CONTENT_ILLEGAL": CONTENT,
    "isv.BLACK_KEY_CONTROL_LIMIT": CONTENT,  # forbidden words in a variable, for all its name
    "isv.TEMPLATE_PARAMS_ILLEGAL": CONTENT,
    "isv.PARAM_NOT_SUPPORT_URL": CONTENT,
    "isv.PARAM_LENGTH_LIMIT": PARAMETER,
    "isv.INVALID_JSON_PARAM": PARAMETER,
    "isv.INVALID_PARAMETERS": PARAMETER,
    "isv.MOBILE_COUNT_OVER_LIMIT": PARAMETER,
    "MissingParameter": PARAMETER,
    # Too much. The first one is counted per number, signature and template: 50 a day.
    "isv.BUSINESS_LIMIT_CONTROL": throttled(HOUR, Scope.NUMBER),
    "isv.DAY_LIMIT_CONTROL": throttled(HOUR),
    "Throttling": throttled(timedelta(seconds=1)),
    "Throttling.User": throttled(timedelta(seconds=1)),
    "Throttling.Api": throttled(timedelta(seconds=1)),
    # It may have been taken. A nonce that was used means that the same request came before.
    "isp.SYSTEM_ERROR": Unknown,
    "InternalError": Unknown,
    "ServiceUnavailable": Unknown,
    "SignatureNonceUsed": Unknown,
}
# What BUSINESS_LIMIT_CONTROL says of its window, in the words of its message.
ALIYUN_WINDOWS: Final[tuple[tuple[str, timedelta], ...]] = (
    ("分钟", timedelta(minutes=1)),
    ("小时", HOUR),
    ("天", DAY),
)

# cloud.tencent.com/document/api/382/59177 and the list in the vendor's SDK; a code without its own line has
# the meaning of its first part.
TENCENT: Final[Mapping[str, Meaning]] = {
    "AuthFailure": Misconfigured,
    "UnauthorizedOperation": Misconfigured,
    "ActionOffline": Misconfigured,
    "InvalidAction": Misconfigured,
    "InvalidRequest": Misconfigured,
    "IpInBlacklist": Misconfigured,
    "IpNotInWhitelist": Misconfigured,
    "NoSuchProduct": Misconfigured,
    "NoSuchVersion": Misconfigured,
    "UnknownParameter": Misconfigured,
    "UnsupportedProtocol": Misconfigured,
    "UnsupportedRegion": Misconfigured,
    "UnsupportedOperation": Misconfigured,
    "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": CONTENT,  # such numbers go by another line
    "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": TEMPLATE,
    "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": PARAMETER,
    "InvalidParameter": PARAMETER,
    "InvalidParameterValue": PARAMETER,
    "MissingParameter": PARAMETER,
    "InvalidParameterValue.IncorrectPhoneNumber": NUMBER,
    "InvalidParameterValue.SdkAppIdNotExist": Misconfigured,
    "InvalidParameterValue.TemplateParameterFormatError": PARAMETER,
    "InvalidParameterValue.TemplateParameterLengthLimit": PARAMETER,
    "InvalidParameterValue.ContentLengthLimit": CONTENT,
    "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": CONTENT,
    "InvalidParameter.DirtyWordFound": CONTENT,
    # FailedOperation says nothing by itself; these do.
    "FailedOperation.ContainSensitiveWord": CONTENT,
    "FailedOperation.FailResolvePacket": Misconfigured,
    "FailedOperation.InsufficientBalanceInSmsPackage": Misconfigured,
    "FailedOperation.JsonParseFail": Misconfigured,
    "FailedOperation.MarketingSendTimeConstraint": throttled(HOUR),
    "FailedOperation.MissingSignature": Misconfigured,
    "FailedOperation.PhoneNumberInBlacklist": BLACKLIST,
    "FailedOperation.PhoneNumberParseFail": NUMBER,
    "FailedOperation.ProhibitSubAccountUse": Misconfigured,
    "FailedOperation.SignatureIncorrectOrUnapproved": Misconfigured,
    "FailedOperation.SignIdNotExist": Misconfigured,
    "FailedOperation.TemplateIdNotExist": TEMPLATE,
    "FailedOperation.TemplateIncorrectOrUnapproved": TEMPLATE,
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": TEMPLATE,
    "FailedOperation.TemplateUnapprovedOrNotExist": TEMPLATE,
    # Too much.
    "RequestLimitExceeded": throttled(timedelta(seconds=1)),
    "LimitExceeded.DeliveryFrequencyLimit": throttled(HOUR, Scope.NUMBER),
    "LimitExceeded.PhoneNumberThirtySecondLimit": throttled(timedelta(seconds=30), Scope.NUMBER),
    "LimitExceeded.PhoneNumberOneHourLimit": throttled(HOUR, Scope.NUMBER),
    "LimitExceeded.PhoneNumberDailyLimit": throttled(DAY, Scope.NUMBER),
    "LimitExceeded.PhoneNumberSameContentDailyLimit": throttled(DAY, Scope.NUMBER),
    "LimitExceeded.PhoneNumberCountLimit": PARAMETER,
    "LimitExceeded.GlobalSmsSendingRateLimit": throttled(timedelta(seconds=1)),
    "LimitExceeded.AppCountryOrRegionInBlacklist": Misconfigured,
    "LimitExceeded": throttled(HOUR),  # daily limits of the application, set in the console
    # Before anything was sent: our packet, our signature, our clock.
    "InternalError.JsonParseFail": Misconfigured,
    "InternalError.RequestTimeException": Misconfigured,
    "InternalError.RestApiInterfaceNotExist": Misconfigured,
    "InternalError.SigFieldMissing": Misconfigured,
    "InternalError.SigVerificationFail": Misconfigured,
    # It may have been taken: Timeout, SendAndRecvFail, ParseBackendResponseFail, OtherError, UnknownError.
    "InternalError": Unknown,
    "FailedOperation.OtherError": Unknown,
}
_TOO_MANY: Final = 429
_REQUEST_TIMEOUT: Final = 408
_TOO_EARLY: Final = 425


def judged(gateway: str, table: Mapping[str, Meaning], code: str) -> Result:
    """Return what a refusal means; a code that no table has may stand for a message that went out."""
    shown = f"{gateway}.{named(code)}"[:64]
    for known in (code, code.partition(".")[0]):
        if known in table:
            return table[known](shown)
    log.warning("gateway_code_unlisted", gateway=gateway, reason=shown)
    return Unknown(shown)


def by_status(gateway: str, status: int) -> Result:
    """Return what an answer without a code of the vendor means, by its HTTP status (RFC 9110 section 15).

    4xx says that the request was not carried out; it mostly comes from something in between.
    """
    shown = f"{gateway}.http-{status}"
    if status == _TOO_MANY:
        return Throttled(timedelta(seconds=1))
    if status in {_REQUEST_TIMEOUT, _TOO_EARLY}:
        return NotSent(shown)
    return Misconfigured(shown) if 300 <= status < 500 else Unknown(shown)  # noqa: PLR2004 - classes of statuses


def named(word: str) -> str:
    """Return a vendor's word as a code that may stand in facts and logs; what is none is "other"."""
    return word if _CODE.fullmatch(word) else "other"


def named_id(word: str) -> str:
    """Return a vendor's name of a message as it is used in our facts: the same for answer and receipt."""
    return _NO_CODE.sub(".", word).strip("._:-")[:60]
