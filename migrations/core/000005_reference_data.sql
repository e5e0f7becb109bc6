-- Skills, occupations and cities: no personal data, read by everyone, written by administrators (skills) and loaders.

CREATE TABLE skills_taxonomy (
  skill_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  esco_uri TEXT UNIQUE, -- NULL for a skill of our own
  skill_name VARCHAR(200) NOT NULL,
  category VARCHAR(50) NOT NULL CHECK (category IN ('technical', 'soft', 'language', 'tool', 'framework')),
  parent_skill_id UUID REFERENCES skills_taxonomy (skill_id) CHECK (parent_skill_id <> skill_id),
  aliases JSONB NOT NULL DEFAULT '[]' CHECK (is_string_array(aliases)),
  description TEXT,
  skill_level_max INTEGER NOT NULL DEFAULT 5 CHECK (skill_level_max BETWEEN 1 AND 5),
  is_verified BOOLEAN NOT NULL DEFAULT FALSE,
  verification_source VARCHAR(100),
  popularity_score INTEGER NOT NULL DEFAULT 0,
  market_demand DECIMAL(4,2) NOT NULL DEFAULT 0.0 CHECK (market_demand BETWEEN 0 AND 10),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE UNIQUE INDEX skills_taxonomy_name_unique ON skills_taxonomy (lower(skill_name));
CREATE INDEX idx_skills_taxonomy_category ON skills_taxonomy (category);
CREATE INDEX idx_skills_taxonomy_parent ON skills_taxonomy (parent_skill_id);
CREATE INDEX idx_skills_taxonomy_popularity ON skills_taxonomy (popularity_score DESC);
CREATE INDEX idx_skills_taxonomy_aliases ON skills_taxonomy USING gin (aliases);
-- lower(skill_name) LIKE 'pre%', and LIKE '%part%'
CREATE INDEX idx_skills_taxonomy_prefix ON skills_taxonomy (lower(skill_name) text_pattern_ops);
CREATE INDEX idx_skills_taxonomy_substring ON skills_taxonomy USING gin (lower(skill_name) gin_trgm_ops);
CREATE TRIGGER skills_taxonomy_touch BEFORE UPDATE ON skills_taxonomy FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE skill_relations (
  skill_id UUID NOT NULL REFERENCES skills_taxonomy (skill_id) ON DELETE CASCADE,
  related_skill_id UUID NOT NULL REFERENCES skills_taxonomy (skill_id) ON DELETE CASCADE,
  relation VARCHAR(20) NOT NULL CHECK (relation IN ('broader', 'essential', 'optional')),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (skill_id, related_skill_id, relation),
  CHECK (skill_id <> related_skill_id)
);
CREATE INDEX idx_skill_relations_related ON skill_relations (related_skill_id);

CREATE TABLE occupations (
  occupation_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  esco_uri TEXT UNIQUE,
  label VARCHAR(200) NOT NULL,
  isco08 VARCHAR(4) CHECK (isco08 ~ '^[0-9]{1,4}$'),
  aliases JSONB NOT NULL DEFAULT '[]' CHECK (is_string_array(aliases)),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX idx_occupations_isco08 ON occupations (isco08);
CREATE INDEX idx_occupations_prefix ON occupations (lower(label) text_pattern_ops);
CREATE TRIGGER occupations_touch BEFORE UPDATE ON occupations FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE occupation_skills (
  occupation_id UUID NOT NULL REFERENCES occupations (occupation_id) ON DELETE CASCADE,
  skill_id UUID NOT NULL REFERENCES skills_taxonomy (skill_id) ON DELETE CASCADE,
  relation VARCHAR(20) NOT NULL CHECK (relation IN ('essential', 'optional')),
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (occupation_id, skill_id, relation)
);
CREATE INDEX idx_occupation_skills_skill ON occupation_skills (skill_id);

-- GeoNames
CREATE TABLE cities (
  geoname_id INTEGER PRIMARY KEY,
  name VARCHAR(200) NOT NULL,
  country_code CHAR(2) NOT NULL CHECK (country_code ~ '^[A-Z]{2}$'),
  admin1 VARCHAR(200),
  population INTEGER NOT NULL DEFAULT 0 CHECK (population >= 0),
  latitude DOUBLE PRECISION NOT NULL CHECK (latitude BETWEEN -90 AND 90),
  longitude DOUBLE PRECISION NOT NULL CHECK (longitude BETWEEN -180 AND 180)
);
CREATE INDEX idx_cities_country_population ON cities (country_code, population DESC);
CREATE INDEX idx_cities_prefix ON cities (lower(name) text_pattern_ops);

GRANT SELECT, INSERT, UPDATE, DELETE ON skills_taxonomy, skill_relations, occupations, occupation_skills, cities
  TO matching_definer;
GRANT SELECT ON skills_taxonomy, skill_relations, occupations, occupation_skills, cities
  TO authenticated_users, recruiter_role, admin_role;
GRANT INSERT ON skills_taxonomy TO admin_role;
GRANT UPDATE (esco_uri, skill_name, category, parent_skill_id, aliases, description, skill_level_max, is_verified,
              verification_source, popularity_score, market_demand)
  ON skills_taxonomy TO admin_role;
GRANT INSERT, DELETE ON skill_relations TO admin_role;

-- A skill is not above itself over any number of steps (D-019). Looks at a statement's changed rows together. The lock keeps two
-- transactions from closing a ring between them.
CREATE FUNCTION check_skill_parents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
  v_skill_id uuid;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('skills_taxonomy.parent_skill_id', 0));
  WITH RECURSIVE ancestors (skill_id, ancestor_id) AS (
    SELECT skill_id, parent_skill_id FROM new_rows WHERE parent_skill_id IS NOT NULL
    UNION
    SELECT a.skill_id, s.parent_skill_id
      FROM ancestors a
      JOIN public.skills_taxonomy s ON s.skill_id = a.ancestor_id
     WHERE s.parent_skill_id IS NOT NULL
  )
  SELECT skill_id INTO v_skill_id FROM ancestors WHERE skill_id = ancestor_id LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'skill % would be its own ancestor', v_skill_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'skills_taxonomy_no_cycle';
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER skills_taxonomy_no_cycle_insert AFTER INSERT ON skills_taxonomy REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION check_skill_parents();
CREATE TRIGGER skills_taxonomy_no_cycle AFTER UPDATE ON skills_taxonomy REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION check_skill_parents();

SELECT add_event_triggers('skills_taxonomy', 'publish_aggregate_events', 'skill', 'skill', 'skill_id');
SELECT add_event_triggers('skill_relations', 'publish_child_events', 'skill', 'skill', 'skill_id', '', 'skills_taxonomy');
