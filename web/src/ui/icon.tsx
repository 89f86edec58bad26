// SPDX-License-Identifier: Apache-2.0
// Icons: strokes on a 16 px grid, drawn here.
const PATHS = {
  discover: 'M7 12.5A5.5 5.5 0 1 0 7 1.5a5.5 5.5 0 0 0 0 11ZM11 11l3.5 3.5M5 9V7.5M7 9V5M9 9V6.5',
  stock: 'M1.5 11.5 5.5 7l3 2.5 6-6.5M11 3h3.5v3.5M1.5 14.5h13',
  pipelines: 'M1.5 4h4v3h-4zM10.5 1.5h4v3h-4zM10.5 11h4v3h-4zM5.5 5.5h2.5v-2.5h2.5M8 5.5v7h2.5',
  search: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14',
  settings: 'M2 4.5h7M12.5 4.5H14M2 11.5h1.5M7 11.5h7M10.7 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6ZM5.3 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z',
  help: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM6.2 6.2a1.9 1.9 0 1 1 2.6 1.8c-.6.3-.8.6-.8 1.2M8 11.4v.1',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3.5v9M3.5 8h9',
  minus: 'M3.5 8h9',
  check: 'M3 8.5 6.5 12 13 4.5',
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  left: 'M10 4 6 8l4 4',
  right: 'M6 4l4 4-4 4',
  clock: 'M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM8 4.5V8l2.5 1.5',
  refresh: 'M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5V4.5h-3',
  play: 'M5 3.5v9l7-4.5-7-4.5Z',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  filter: 'M2 3.5h12L9.5 8.7v4.3l-3-1.5V8.7L2 3.5Z',
  column: 'M2 3h12v10H2zM8 3v10',
  exists: 'M3 8h6M12 8h.1M8 14.5a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Z',
  download: 'M8 2v8.5M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11',
  link: 'M6.7 9.3a2.5 2.5 0 0 0 3.6 0l2.5-2.5a2.5 2.5 0 0 0-3.6-3.6L8.5 4M9.3 6.7a2.5 2.5 0 0 0-3.6 0L3.2 9.2a2.5 2.5 0 0 0 3.6 3.6l.7-.8',
  panel: 'M2 3h12v10H2zM6 3v10',
  table: 'M2 3h12v10H2zM2 6.5h12M2 9.8h12M6.5 6.5V13',
  chart: 'M2.5 2v11.5H14M5.5 11V8M8.5 11V4.5M11.5 11V6.5',
  command: 'M3 4.5 6.5 8 3 11.5M8 12h5',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  warn: 'M8 2 1.5 13.5h13L8 2ZM8 6.5v3.5M8 11.9v.1',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  zoomOut: 'M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14M5 7h4',
  document: 'M4 1.5h5.5L13 5v9.5H4zM9.5 1.5V5H13M6.5 8h4M6.5 10.8h4',
  boat: 'M2 8h12l-1.7 3a1.5 1.5 0 0 1-1.3.8H5a1.5 1.5 0 0 1-1.3-.8L2 8ZM8 8V2.5L11.5 6H8M1.5 14.2c1.1 0 1.1-.7 2.2-.7s1.1.7 2.2.7 1.1-.7 2.2-.7 1.1.7 2.2.7 1.1-.7 2.2-.7 1.1.7 2.2.7',
} as const;
export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
