-- Companies and who recruits for them (D-007).

CREATE TABLE companies (
  company_id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  company_name VARCHAR(200) NOT NULL,
  legal_name VARCHAR(200),
  industry VARCHAR(100),
  company_size VARCHAR(20) CHECK (company_size IN ('startup', 'small', 'medium', 'large', 'enterprise')),
  founded_year INTEGER CHECK (founded_year BETWEEN 1000 AND 2100),
  headquarters_location JSONB,
  website_url TEXT,
  logo_url TEXT,
  description TEXT,
  content_language VARCHAR(3) NOT NULL DEFAULT 'eng' CHECK (content_language IN ('eng', 'fra')),
  company_culture JSONB, -- values, benefits, perks
  glassdoor_rating DECIMAL(2,1) CHECK (glassdoor_rating BETWEEN 0 AND 5),
  employee_count_range VARCHAR(20),
  stock_symbol VARCHAR(10),
  is_verified BOOLEAN NOT NULL DEFAULT FALSE,
  verification_date TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  search_vector TSVECTOR
);
CREATE INDEX idx_companies_name ON companies (company_name);
CREATE INDEX idx_companies_industry ON companies (industry);
CREATE INDEX idx_companies_size ON companies (company_size);
CREATE INDEX idx_companies_search ON companies USING gin (search_vector);
CREATE INDEX idx_companies_created ON companies (created_at, company_id);
CREATE TRIGGER companies_touch BEFORE UPDATE ON companies FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE FUNCTION update_company_search_vector() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  NEW.search_vector :=
    setweight(to_tsvector('public.ssm_name', NEW.company_name), 'A') ||
    setweight(to_tsvector(('public.ssm_' || NEW.content_language)::regconfig, COALESCE(NEW.description, '')), 'C');
  RETURN NEW;
END
$$;
CREATE TRIGGER companies_search_update BEFORE INSERT OR UPDATE OF company_name, description, content_language ON companies
  FOR EACH ROW EXECUTE FUNCTION update_company_search_vector();

CREATE TABLE company_members (
  company_id UUID NOT NULL REFERENCES companies (company_id) ON DELETE CASCADE,
  user_id UUID NOT NULL REFERENCES users (user_id) ON DELETE CASCADE,
  role VARCHAR(20) NOT NULL DEFAULT 'member' CHECK (role IN ('owner', 'member')), -- an owner may add and remove members
  created_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (company_id, user_id)
);
CREATE INDEX idx_company_members_user ON company_members (user_id);
CREATE TRIGGER company_members_touch BEFORE UPDATE ON company_members FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER company_members_user_type BEFORE INSERT OR UPDATE OF user_id ON company_members
  FOR EACH ROW EXECUTE FUNCTION check_user_type('user_id', 'recruiter', 'admin');

ALTER TABLE companies ENABLE ROW LEVEL SECURITY;
ALTER TABLE companies FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON companies FOR ALL TO matching_definer USING (true) WITH CHECK (true);
ALTER TABLE company_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE company_members FORCE ROW LEVEL SECURITY;
CREATE POLICY definer_access ON company_members FOR ALL TO matching_definer USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON companies, company_members TO matching_definer;

SET LOCAL ROLE matching_definer;

-- Whoever founds a company as recruiter owns it: nobody else could add the first member.
CREATE FUNCTION add_founding_member() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
  IF current_setting('role') = 'recruiter_role' THEN
    INSERT INTO public.company_members (company_id, user_id, role) VALUES (NEW.company_id, public.current_app_user(), 'owner');
  END IF;
  RETURN NULL;
END
$$;

SET LOCAL ROLE supersmartmatch_core_owner;

CREATE TRIGGER companies_founding_member AFTER INSERT ON companies FOR EACH ROW EXECUTE FUNCTION add_founding_member();
SELECT add_event_triggers('companies', 'publish_aggregate_events', 'company', 'company', 'company_id');
SELECT add_event_triggers('company_members', 'publish_child_events', 'company', 'company', 'company_id', '', 'companies');
