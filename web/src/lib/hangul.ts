// SPDX-License-Identifier: Apache-2.0
// Matching of lists while typing: substrings, case aside, and initial consonants (ㅅㅅ finds 삼성).

const INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
const FIRST = 0xac00, LAST = 0xd7a3, PER_INITIAL = 588;

function initialsOf(text: string): string {
  return [...text].map((c) => {
    const code = c.charCodeAt(0);
    return code >= FIRST && code <= LAST ? INITIALS[Math.floor((code - FIRST) / PER_INITIAL)] : c;
  }).join('');
}

export function matches(text: string, typed: string): boolean {
  const want = typed.trim().toLowerCase();
  if (want === '') return true;
  const have = text.toLowerCase();
  if (have.includes(want)) return true;
  return /^[ㄱ-ㅎ]+$/.test(want) && initialsOf(have).includes(want);
}
