# SPDX-License-Identifier: Apache-2.0
"""The http_logs benchmark: its index, and its 20 searches with the bodies that Elasticsearch 7.10 understands."""
import datetime

from drive.ops import Scroll, Search, Suite

WEEKS = ("181998", "191998", "201998", "211998", "221998", "231998", "241998")

INDEX = {
    "settings": {"index": {"number_of_shards": 1, "number_of_replicas": 0, "requests": {"cache": {"enable": False}},
                           "queries": {"cache": {"enabled": False}}}},
    "mappings": {"dynamic": "strict", "properties": {
        "@timestamp": {"type": "date", "format": "strict_date_optional_time||epoch_second"},
        "message": {"type": "keyword", "index": False, "doc_values": False},
        "clientip": {"type": "ip"},
        "request": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}},
        "status": {"type": "integer"},
        "size": {"type": "integer"},
        "geoip": {"properties": {"country_name": {"type": "keyword"}, "city_name": {"type": "keyword"},
                                 "location": {"type": "geo_point"}}}}},
}

ALL = {"match_all": {}}
ROOT = {"term": {"request.raw": {"value": "GET / HTTP/1.0"}}}
OK = {"term": {"status": 200}}
BY_HOUR = {"by_hour": {"date_histogram": {"field": "@timestamp", "calendar_interval": "hour"}}}


def between(field, low, high, high_op="lt"):
    return {"range": {field: {"gte": low, high_op: high}}}


def one_day(status):
    day = between("@timestamp", "1998-05-01T00:00:00Z", "1998-05-02T00:00:00Z")
    return {"query": {"bool": {"must": [day, {"match": {"status": status}}]}}}


def days_since_may_15():
    return (datetime.datetime.now(datetime.timezone.utc).date() - datetime.date(1998, 5, 15)).days


def sorted_by(field, order, query=None, **more):
    return {"query": query or ALL, "sort": [{field: order}], **more}


def operations():
    after = {"track_total_hits": False, "search_after": ["1998-06-10"]}
    sizes = between("size", 10, 200, "lte")
    return [
        Search("match-all", {"query": ALL}),
        Search("term", {"query": ROOT}),
        Search("multi-term-filter", {"query": {"bool": {"must": [ROOT], "filter": [OK]}}}),
        Search("range", {"query": between("@timestamp", f"now-{days_since_may_15()}d/d", "now/d")}),
        Search("200s-in-range", one_day("200")),
        Search("400s-in-range", one_day("400")),
        Search("hourly_agg", {"size": 0, "aggs": BY_HOUR}),
        Search("hourly_agg_with_filter", {"size": 0, "query": OK, "aggs": BY_HOUR}),
        Search("hourly_agg_with_filter_and_metrics",
               {"size": 0, "query": OK, "aggs": {**BY_HOUR, "size_stats": {"stats": {"field": "size"}}}}),
        Search("multi_term_agg",
               {"size": 0, "query": between("@timestamp", "1998-05-03T00:00:00Z", "1998-05-07T00:00:00Z"),
                "aggs": {"mterms": {"multi_terms": {"terms": [{"field": "clientip"}, {"field": "status"}, {"field": "size"}]}}}},
               since="7.12"),
        Scroll("scroll", {"query": ALL}, 25, 1000),
        Search("desc_sort_size", sorted_by("size", "desc")),
        Search("asc_sort_size", sorted_by("size", "asc")),
        Search("range_size", {"query": between("size", 20, 200, "lte")}),
        Search("desc_sort_timestamp", sorted_by("@timestamp", "desc")),
        Search("desc_sort_with_after_timestamp", sorted_by("@timestamp", "desc", **after)),
        Search("asc_sort_timestamp", sorted_by("@timestamp", "asc")),
        Search("asc_sort_with_after_timestamp", sorted_by("@timestamp", "asc", **after)),
        Search("range_with_desc_sort", sorted_by("size", "desc", sizes, size=100)),
        Search("range_with_asc_sort", sorted_by("size", "asc", sizes, size=100)),
    ]


def suite():
    return Suite("http_logs", "logs-*", [f"logs-{week}" for week in WEEKS], INDEX, operations(),
                 unused=["geoip.location"])
