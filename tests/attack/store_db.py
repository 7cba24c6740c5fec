"""A store's database through RocksDB's API: rows read, changed, removed, as whoever can write the folder can."""

import rocksdict


def options():
    """What docs/formats/store.md says of the database, so that Debian's RocksDB opens what is written here."""
    table = rocksdict.BlockBasedOptions()
    table.set_format_version(5)
    table.set_checksum_type(rocksdict.ChecksumType.xxh3() if callable(getattr(rocksdict.ChecksumType, "xxh3", None))
                            else rocksdict.ChecksumType.XXH3)
    table.set_block_size(16 << 10)
    table.set_bloom_filter(10, False)
    out = rocksdict.Options(raw_mode=True)
    out.create_if_missing(False)
    out.set_block_based_table_factory(table)
    out.set_compression_type(rocksdict.DBCompressionType.none())
    out.set_level_compaction_dynamic_level_bytes(True)
    out.set_keep_log_file_num(4)
    out.set_max_background_jobs(1)
    out.set_max_file_opening_threads(1)
    out.set_disable_auto_compactions(True)
    return out


class Database:
    """A shard's database, opened for writing; a context that closes it."""

    def __init__(self, store, shard=0):
        self.path = str(store / "shards" / str(shard) / "db")
        self.names = rocksdict.Rdict.list_cf(self.path)
        families = {name: options() for name in self.names}
        self.db = rocksdict.Rdict(self.path, options(), column_families=families,
                                  access_type=rocksdict.AccessType.read_write())
        self.families = {name: self.db.get_column_family(name) for name in self.names}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for family in self.families.values():
            family.close()
        self.db.close()

    def rows(self, family):
        """All (key, value), in order."""
        return [(bytes(k), bytes(v)) for k, v in self.families[family].items()]

    def put(self, family, key, value):
        self.families[family].put(key, value)

    def delete(self, family, key):
        self.families[family].delete(key)

    def compact(self):
        """Everything into table files; the log is empty afterwards."""
        for family in self.families.values():
            family.flush()
            family.compact_range(None, None)
