-- Bad result: a file that somebody else wrote, under a licence that its owner may never have given.
-- Question: Which released files name an owner and no licence, where what they are released under does not name that
--   owner?
-- Must be empty: no
-- Needs: docs, license_conclusions, license_findings
WITH
docs AS (SELECT * FROM stg_docs),
license_conclusions AS (SELECT file_id, basis, evidence FROM stg_license_conclusions),
license_findings AS (SELECT blob_id, scope, outcome, copyrights FROM stg_license_findings),
-- The owners that a head names which states no licence.
heads AS (
  SELECT blob_id, list_sort(list_distinct(flatten(list(copyrights)))) AS lines
  FROM license_findings
  WHERE scope = 'head'
  GROUP BY blob_id
  HAVING bool_and(outcome <> 'found') AND len(flatten(list(copyrights))) > 0
),
owned AS (
  SELECT docs.*, basis, evidence, lines
  FROM docs JOIN heads USING (blob_id) JOIN license_conclusions USING (file_id)
),
-- The owners in what the licence of a file was read from. Where it names none, as the text of Apache-2.0 does, nobody
-- can be missing there.
givers AS (
  SELECT sources.file_id, list(copyrights) AS lines
  FROM (
    SELECT DISTINCT file_id, blob_id AS own, unnest(list_transform(evidence, lambda piece: piece.blob_id)) AS source
    FROM owned
  ) AS sources
  JOIN license_findings ON license_findings.blob_id = source
  WHERE source <> own AND len(copyrights) > 0
  GROUP BY sources.file_id
),
compared AS (
  SELECT owned.*,
    array_to_string(owned.lines, ' ') AS theirs,
    concat_ws(' ', repo, array_to_string(flatten(givers.lines), ' ')) AS ours
  FROM owned JOIN givers USING (file_id)
),
-- Both as words of three letters or more, without addresses.
worded AS (
  SELECT compared.*,
    list_filter(
      regexp_extract_all(lower(regexp_replace(theirs, '\S*(?:://|@)\S*', ' ', 'g')), '\pL{3,}'),
      -- Words that stand beside many names, and name nobody.
      lambda word: word NOT IN (
        'all', 'and', 'author', 'authors', 'company', 'contributor', 'contributors', 'copyright', 'corp',
        'corporation', 'developers', 'foundation', 'gmbh', 'group', 'inc', 'institute', 'llc', 'ltd', 'others',
        'present', 'project', 'reserved', 'rights', 'software', 'systems', 'team', 'technologies', 'the',
        'university'
      )
    ) AS their_words,
    regexp_extract_all(lower(ours), '\pL{3,}') AS our_words
  FROM compared
),
final AS (
  SELECT repo, path, license, lines AS owners, basis,
    list_filter(evidence, lambda piece: piece.role = basis)[1].path AS stated_in, tokens
  FROM worded
  WHERE len(their_words) > 0 AND NOT list_has_any(their_words, our_words)
)
SELECT * FROM final
ORDER BY ALL
