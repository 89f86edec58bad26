-- Tables of the stock archive for SQLite. Times are Korean wall time.

-- One row a ten-minute mark: the newest trade (es_to_mysql.conf).
CREATE TABLE IF NOT EXISTS kr_stock_trade (
  id INTEGER PRIMARY KEY,
  mksc_shrn_iscd TEXT NOT NULL,
  stck_cntg_hour DATETIME NOT NULL,
  stck_prpr INTEGER NOT NULL,
  cntg_vol INTEGER NOT NULL,
  acml_vol INTEGER NOT NULL,
  stck_hgpr INTEGER NOT NULL,
  stck_lwpr INTEGER NOT NULL,
  now_time DATETIME NOT NULL
);
CREATE INDEX IF NOT EXISTS kr_stock_trade_hour ON kr_stock_trade (stck_cntg_hour);

-- One row a stock and ten minutes of trading time (stock_10min.sqlite.conf): prices, volume, count, and the last trade of
-- the window, which stands for it.
CREATE TABLE IF NOT EXISTS stock_10min (
  mksc_shrn_iscd TEXT NOT NULL,
  window_start DATETIME NOT NULL,
  window_end DATETIME NOT NULL,
  open INTEGER NOT NULL,
  high INTEGER NOT NULL,
  low INTEGER NOT NULL,
  close INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  trade_count INTEGER NOT NULL,
  last_cntg_hour DATETIME NOT NULL,
  last_cntg_vol INTEGER NOT NULL,
  last_acml_vol INTEGER NOT NULL,
  PRIMARY KEY (mksc_shrn_iscd, window_start)
);
