// SPDX-License-Identifier: Apache-2.0
import { useEffect } from 'preact/hooks';
import { refresh } from '../lib/router';

/** The next automatic refresh starts `every` ms after the last one ended, so two never overlap; it rests while the
 * page is hidden. `every` 0: off. */
export function useAutoRefresh(every: number, isBusy: boolean): void {
  useEffect(() => {
    if (!every || isBusy) return;
    let timer = 0;
    const arm = () => {
      clearTimeout(timer);
      if (!document.hidden) timer = setTimeout(refresh, every) as unknown as number;
    };
    arm();
    document.addEventListener('visibilitychange', arm);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', arm);
    };
  }, [every, isBusy]);
}
