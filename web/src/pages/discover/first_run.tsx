// SPDX-License-Identifier: Apache-2.0
// Nothing is stored yet: three ways to a first event, while the page keeps looking for one.
import { useEffect, useState } from 'preact/hooks';
import { post } from '../../api/client';
import { serverNow } from '../../api/server';
import { t } from '../../i18n/i18n';
import { copyText, ErrorNote } from '../../ui/controls';
import { chooseIndex, indices, loadIndices } from './model';

const LOOK_EVERY_MS = 1500;
const CURL = `curl -H 'Content-Type: application/json' -X POST localhost:9200/logs/_doc \\
  -d '{"@timestamp":"'"$(date -u +%FT%TZ)"'","message":"hello"}'`;
const FILEBEAT = `filebeat.inputs:
- type: log
  paths: ["/var/log/*.log"]
output.elasticsearch:
  hosts: ["http://localhost:9200"]`;

function Snippet({ text }: { text: string }) {
  return <div class="snippet"><pre tabIndex={0}>{text}</pre><button type="button" class="btn" onClick={() => void copyText(text)}>{t('common.copy')}</button></div>;
}

export function FirstRun() {
  const [line, setLine] = useState('');
  const [bad, setBad] = useState('');
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    const look = async () => {
      if (!document.hidden) await loadIndices();
      if (!isOver && !indices.peek()?.length) timer = setTimeout(look, LOOK_EVERY_MS) as unknown as number;
    };
    timer = setTimeout(look, LOOK_EVERY_MS) as unknown as number;
    return () => { isOver = true; clearTimeout(timer); };
  }, []);
  const send = async (e: Event) => {
    e.preventDefault();
    try {
      await post('es/logs/_doc?refresh=true', { '@timestamp': new Date(serverNow()).toISOString(), message: line });
      await loadIndices();
      chooseIndex('logs');
    } catch (err) {
      setBad(err instanceof Error ? err.message : String(err));
    }
  };
  return (
    <div class="first-run">
      <h1><i class="pulse-big" />{t('discover.first.title')}</h1>
      <p>{t('discover.first.text')}</p>
      <div class="choices">
        <section><h2>{t('discover.first.demo')}</h2><p>{t('discover.first.demo.text')}</p><Snippet text="naru demo" /></section>
        <section><h2>{t('discover.first.paste')}</h2>
          <form onSubmit={(e) => void send(e)}><textarea class="input mono" rows={3} aria-label={t('discover.first.paste')} value={line} onInput={(e) => setLine(e.currentTarget.value)} /><button class="btn primary" disabled={!line.trim()}>{t('discover.first.paste.send')}</button></form>
          {bad && <ErrorNote message={bad} />}
        </section>
        <section><h2>{t('discover.first.ship')}</h2><Snippet text={CURL} /><Snippet text={FILEBEAT} /></section>
      </div>
    </div>
  );
}
