-- SPDX-License-Identifier: Apache-2.0
-- compatible: 19
-- Ranges of numbers are found by an index.
--
-- Where a name is given, elements of that name are in the order of their depth and then of their number.  Two conditions on the same path may be
-- about two elements of a submodel; but of a path that is written from the submodel on there is only one, and every other one lies deeper.

CREATE FUNCTION twinshell.depth_of(path text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
	AS $$ SELECT least(length(path) - length(translate(path, '.[', '')) + 1, 16) $$;
COMMENT ON FUNCTION twinshell.depth_of(text) IS 'Names and places in lists that an idShortPath is made of; 16: that many, or more.';

CREATE FUNCTION twinshell.number_of(class text, value_group smallint, num double precision, value text) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT CASE
		WHEN class = 'MultiLanguageProperty' THEN 'NaN'
		WHEN value_group = 1 THEN coalesce(num, 'NaN')
		WHEN value ~ '^[-+.0-9IN][-+.0-9eEINFa]*$' THEN CASE WHEN value ~ '^[-+]?[0-9]{1,15}([.][0-9]{1,15})?$' THEN value::double precision ELSE 'NaN' END
		END $$;
COMMENT ON FUNCTION twinshell.number_of(text, smallint, double precision, text) IS 'The number that an element may be compared as; NaN: what it is is not known here; absent: it is none.';

CREATE INDEX element_number ON twinshell.element (twinshell.key_of(twinshell.name_of(path)), twinshell.depth_of(path),
	twinshell.number_of(class, value_group, num, value)) WHERE twinshell.number_of(class, value_group, num, value) IS NOT NULL;
COMMENT ON INDEX twinshell.element_number IS 'Elements by the last idShort of their path, how deep they lie, and their number.';
