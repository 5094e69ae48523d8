"""Which partition is the inbox of which shard."""

from __future__ import annotations

from events.contracts import PRODUCTS
from services.broker.topics import fact_partitions, partition_counts, shard_partitions


def test_each_shard_has_one_partition_in_the_order_of_the_contract_table() -> None:
    assert [
        (partition.shard, partition.topic, partition.number) for partition in shard_partitions()
    ] == [
        ("control/0", "clearing.control", 0),
        ("market/SIT", "clearing.market", 0),
        ("market/SCU", "clearing.market", 1),
        ("member/0", "clearing.member", 0),
    ]


def test_a_market_topic_has_a_partition_for_each_product() -> None:
    assert partition_counts() == {
        "clearing.control": 1,
        "clearing.market": len(PRODUCTS),
        "clearing.member": 1,
    }


def test_another_prefix_names_other_topics_and_origins() -> None:
    assert list(partition_counts("mine")) == ["mine.control", "mine.market", "mine.member"]
    assert shard_partitions("mine")[2].origin == "mine.market/1"


def test_facts_have_a_partition_for_each_shard_that_a_later_product_does_not_move() -> None:
    shards = [partition.shard for partition in fact_partitions()]
    assert shards[:4] == ["control/0", "member/0", "market/SIT", "market/SCU"]
    assert sorted(shards) == sorted(partition.shard for partition in shard_partitions())
    assert [partition.number for partition in fact_partitions()] == [*range(len(shards))]
    assert partition_counts("mine", with_facts=True)["mine.facts"] == len(shards)
