// SPDX-License-Identifier: Apache-2.0
import 'uplot/dist/uPlot.min.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/discover.css';
import './styles/stock.css';
import './styles/pipelines.css';
import { render } from 'preact';
import { App } from './app';
import { useLanguage } from './i18n/i18n';
import { startKeys } from './lib/keys';
import { startRouter } from './lib/router';
import { settings, startSettings } from './lib/settings';
import { readStatus } from './api/server';

async function start(): Promise<void> {
  startRouter();
  startKeys();
  // The server's clock first: relative ranges are counted on it. A server that does not answer is said by the screens.
  await Promise.all([useLanguage(settings.peek().lang), readStatus().catch(() => undefined)]);
  startSettings();
  const root = document.getElementById('app');
  if (root) {
    root.replaceChildren();
    render(<App />, root);
  }
}
void start();
