# SPDX-License-Identifier: Apache-2.0
# Shared by tests/compat/lucene.sh and bench/text/run: finding Lucene 8.7.0 (Debian: liblucene8-java) and running Lucene.java.
lucene_dir=$(dirname "${BASH_SOURCE[0]}")
lucene_jars=${LUCENE_JARS:-/usr/share/java}
lucene_path=
for lucene_part in core analyzers-common misc; do
    lucene_path=$lucene_path${lucene_path:+:}$lucene_jars/lucene-$lucene_part-8.7.0.jar
done

lucene_find() {
    if ! command -v java >/dev/null || ! command -v javac >/dev/null; then
        echo "SKIPPED: there is no Java here (apt install openjdk-17-jdk-headless)"
        return 1
    fi
    if [ ! -e "$lucene_jars/lucene-core-8.7.0.jar" ] || [ ! -e "$lucene_jars/lucene-misc-8.7.0.jar" ]; then
        echo "SKIPPED: there is no Lucene 8.7.0 in $lucene_jars (apt install liblucene8-java)"
        return 1
    fi
}

lucene_build() { # FOLDER of the classes
    mkdir -p "$1"
    javac -nowarn -Xlint:none -cp "$lucene_path" -d "$1" "$lucene_dir/Lucene.java" 2>&1 | grep -v "^Note:" || true
    lucene_path=$lucene_path:$1
}

lucene() {
    java -Xmx3g -cp "$lucene_path" Lucene "$@"
}
