-- SPDX-License-Identifier: Apache-2.0
-- Asynchronous invocations of operations, and the packages of the file server.

CREATE TABLE twinshell.invocation (
	id            text COLLATE "C" PRIMARY KEY,
	submodel_id   text COLLATE "C" NOT NULL,
	path          text COLLATE "C" NOT NULL,
	owner         text COLLATE "C" NOT NULL,
	state         text NOT NULL,
	message       text,
	outputs       text COMPRESSION lz4,
	inoutputs     text COMPRESSION lz4,
	value_only    boolean NOT NULL,
	requested_at  timestamptz NOT NULL,
	deadline_at   timestamptz NOT NULL,
	ended_at      timestamptz
);
CREATE INDEX invocation_open ON twinshell.invocation (owner, id) WHERE ended_at IS NULL;
CREATE INDEX invocation_ended ON twinshell.invocation (ended_at, id) WHERE ended_at IS NOT NULL;
COMMENT ON TABLE twinshell.invocation IS 'Asynchronous invocations of operations: what is under way, and results as long as they are kept.';
COMMENT ON COLUMN twinshell.invocation.id IS 'Handle that the client asks with: distribution column. Whoever knows it may read the result.';
COMMENT ON COLUMN twinshell.invocation.submodel_id IS 'Id of the submodel.';
COMMENT ON COLUMN twinshell.invocation.path IS 'idShortPath of the Operation.';
COMMENT ON COLUMN twinshell.invocation.owner IS 'The server that executes it: after its restart it closes what it left open.';
COMMENT ON COLUMN twinshell.invocation.state IS 'executionState: Initiated, Running, Completed, Failed, Timeout or Canceled.';
COMMENT ON COLUMN twinshell.invocation.message IS 'Why it did not complete.';
COMMENT ON COLUMN twinshell.invocation.outputs IS 'Output variables, a JSON array of OperationVariable; absent: none.';
COMMENT ON COLUMN twinshell.invocation.inoutputs IS 'In-output variables afterwards, a JSON array of OperationVariable; absent: none.';
COMMENT ON COLUMN twinshell.invocation.value_only IS 'Invoked in value-only form: the result is shown in it.';
COMMENT ON COLUMN twinshell.invocation.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN twinshell.invocation.deadline_at IS 'When its time is over.';
COMMENT ON COLUMN twinshell.invocation.ended_at IS 'When it ended; absent while it has not.';

CREATE TABLE twinshell.package (
	id          text COLLATE "C" PRIMARY KEY,
	file_name   text COLLATE "C" NOT NULL,
	size        bigint NOT NULL,
	aas_ids     text[] COLLATE "C" NOT NULL,
	aas_keys    bigint[] NOT NULL,
	created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
	updated_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX package_aas ON twinshell.package USING gin (aas_keys);
COMMENT ON TABLE twinshell.package IS 'AASX packages of the file server, stored as they came; the bytes are the blob "package/" and the id.';
COMMENT ON COLUMN twinshell.package.id IS 'packageId: distribution column.';
COMMENT ON COLUMN twinshell.package.file_name IS 'Name of the file as the client gave it.';
COMMENT ON COLUMN twinshell.package.size IS 'Bytes of the package.';
COMMENT ON COLUMN twinshell.package.aas_ids IS 'Ids of the shells in it.';
COMMENT ON COLUMN twinshell.package.aas_keys IS 'twinshell.key_of each of them, for the index: ids may be longer than an index holds.';
COMMENT ON COLUMN twinshell.package.created_at IS 'When it was first stored.';
COMMENT ON COLUMN twinshell.package.updated_at IS 'When it was last stored.';
