-- Tables of the stock archive for MySQL and MariaDB. Times are Korean wall time.
CREATE DATABASE IF NOT EXISTS stock CHARACTER SET utf8mb4;
USE stock;

-- One row a ten-minute mark: the newest trade (es_to_mysql.conf).
CREATE TABLE IF NOT EXISTS kr_stock_trade (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  mksc_shrn_iscd VARCHAR(12) NOT NULL,
  stck_cntg_hour DATETIME NOT NULL,
  stck_prpr INT NOT NULL,
  cntg_vol BIGINT NOT NULL,
  acml_vol BIGINT NOT NULL,
  stck_hgpr INT NOT NULL,
  stck_lwpr INT NOT NULL,
  now_time DATETIME NOT NULL,
  KEY (stck_cntg_hour)
);

-- One row a stock and ten minutes of trading time (stock_10min.conf): prices, volume, count, and the last trade of the
-- window, which stands for it.
CREATE TABLE IF NOT EXISTS stock_10min (
  mksc_shrn_iscd VARCHAR(12) NOT NULL,
  window_start DATETIME NOT NULL,
  window_end DATETIME NOT NULL,
  open INT NOT NULL,
  high INT NOT NULL,
  low INT NOT NULL,
  close INT NOT NULL,
  volume BIGINT NOT NULL,
  trade_count BIGINT NOT NULL,
  last_cntg_hour DATETIME NOT NULL,
  last_cntg_vol BIGINT NOT NULL,
  last_acml_vol BIGINT NOT NULL,
  PRIMARY KEY (mksc_shrn_iscd, window_start)
);
