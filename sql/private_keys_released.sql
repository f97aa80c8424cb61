-- Bad result: any row. Each is a released text in which a block that begins as a private key goes on as one.
-- Question: Does any document, licence text or notice still hold a private key?
-- Must be empty: yes
-- Needs: documents, license_texts
WITH
documents AS (SELECT file_id, repo, path, text FROM stg_documents WHERE contains(text, 'PRIVATE')),
-- A licence text or a notice belongs to no one file: it is named by its id.
license_texts AS (
  SELECT NULL AS file_id, NULL AS repo, 'LICENSES/' || text_id || '.txt' AS path, try(decode(content)) AS text
  FROM stg_license_texts
  WHERE contains(try(decode(content)), 'PRIVATE')
),
published AS (SELECT * FROM documents UNION ALL SELECT * FROM license_texts),
-- The 64 characters behind the line BEGIN, or behind the line ends, quotes and blanks that follow it.
beginnings AS (
  SELECT file_id, repo, path, unnest(regexp_extract_all(
    text,
    '-{2,5} ?BEGIN[ +](?:[A-Z0-9]{1,12}[ +]){0,3}PRIVATE[ _+]KEY(?:[ +]BLOCK)? ?-{2,5}'
      || '(?:[ \t\r\n"''`,;#*|>()&.]|\\+[nr]|%0[AaDd])*([A-Za-z0-9+/]{64})',
    1
  )) AS encoded
  FROM published
),
final AS (
  SELECT repo, path, file_id, count(*) AS blocks
  FROM beginnings
  WHERE regexp_matches(encoded, '[A-Z]') AND regexp_matches(encoded, '[a-z]') AND regexp_matches(encoded, '[0-9+/]')
  GROUP BY ALL
)
SELECT * FROM final
ORDER BY ALL
