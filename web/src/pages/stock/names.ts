// SPDX-License-Identifier: Apache-2.0
// Names of stocks that are often looked at; the feed has codes only. A code that is not here is shown as it is.
import type { Lang } from '../../i18n/i18n';

const NAMES: Record<string, readonly [string, string]> = {
  '005930': ['삼성전자', 'Samsung Electronics'], '000660': ['SK하이닉스', 'SK hynix'], '373220': ['LG에너지솔루션', 'LG Energy Solution'], '005380': ['현대차', 'Hyundai Motor'], '035420': ['NAVER', 'NAVER'],
  '035720': ['카카오', 'Kakao'], '051910': ['LG화학', 'LG Chem'], '000270': ['기아', 'Kia'], '068270': ['셀트리온', 'Celltrion'], '005490': ['POSCO홀딩스', 'POSCO Holdings'], '105560': ['KB금융', 'KB Financial'], '207940': ['삼성바이오로직스', 'Samsung Biologics'],
};
export const stockName = (code: string, lang: Lang): string => NAMES[code]?.[lang === 'ko' ? 0 : 1] ?? '';
