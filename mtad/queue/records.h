/*
 * records: the types of the journal's records, and what stands in each
 * (share/doc/spool.md). Numbers are for ever.
 *
 * Replaying is idempotent: each record says what is, not what changed.
 */
#ifndef RECORDS_H
#define RECORDS_H

enum journal_type {
	/* u32 segment, u32 tag, u64 salt, u8 kind: exists from here on */
	J_SEGMENT = 1,
	/* u32 segment: was dead and is removed */
	J_DROPPED = 2,
	/* u32 segment, u64 offset, u32 records: durable up to there */
	J_MARK = 3,
	/* u32 segment, u64 from, u64 to: a sync failed, nothing in it counts */
	J_ABANDONED = 4,
	/* id, u32 n, n times: u32 index, u8 state, u16 attempts, i64 next try
	 * (wall), verdict */
	J_OUTCOME = 5,
	/* id, u32 index, u8 keeps (the replaced one stays), i64 wall, u32 n,
	 * n times: u8 kind, u8 depth, addr, orcpt, u8 notify, user, path; when
	 * it keeps: user; when the list has one: its owner */
	J_EXPANDED = 6,
	/* id, u8 flags, i64 until, u32 act: held, deleted, killed */
	J_FLAGS = 7,
	/* str key, u8 is_paused */
	J_PAUSE = 8,
	/* u8 is_held, str why: delivery of everything */
	J_DELIVERY = 9,
	/* id, u32 segment, u32 offset, u32 length: its record is there now */
	J_MOVED = 10,
	/* u64 record number, u32 next segment, u32 n, n times: u32 segment, u64
	 * offset: what came before, and messages before there, was told for sure */
	J_TOLD = 11,
	/* id, u32 n, n times u32 index: failed, and a notice is there or nobody
	 * is to be told */
	J_GONE = 12,
	/* id: came from another spool; what stands before is of an earlier life */
	J_IMPORTED = 13
};

#endif
