-- Bad result: a language that rests on one licence that is in doubt.
-- Question: Under which licences are the files of each language released?
-- Must be empty: no
-- Needs: docs
WITH
docs AS (SELECT * FROM stg_docs),
final AS (
  SELECT language, license, count(*) AS files, CAST(sum(tokens) AS BIGINT) AS tokens,
    CAST(sum(bytes) AS BIGINT) AS bytes
  FROM docs
  GROUP BY language, license
)
SELECT * FROM final
ORDER BY language, files DESC, license
