-- Who sees which rows (D-108): a person the own places and preferences, everybody the shared places, nobody else's. An
-- administrator knows which preferences there are, not where the places are; distances are for functions only. No role of a
-- request may update keys, owners and timestamps: a place never turns from one person's into another's or everybody's.

-- Without an identity nobody reaches a row.
CREATE POLICY identity_required ON locations AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY self_read ON locations FOR SELECT TO authenticated_users
  USING (owner_user_id IS NULL OR owner_user_id = (SELECT current_app_user()));
CREATE POLICY self_insert ON locations FOR INSERT TO authenticated_users
  WITH CHECK (owner_user_id = (SELECT current_app_user()));
CREATE POLICY self_update ON locations FOR UPDATE TO authenticated_users
  USING (owner_user_id = (SELECT current_app_user())) WITH CHECK (owner_user_id = (SELECT current_app_user()));
CREATE POLICY self_delete ON locations FOR DELETE TO authenticated_users
  USING (owner_user_id = (SELECT current_app_user()));
CREATE POLICY recruiter_read ON locations FOR SELECT TO recruiter_role USING (owner_user_id IS NULL);
CREATE POLICY recruiter_insert ON locations FOR INSERT TO recruiter_role WITH CHECK (owner_user_id IS NULL);
CREATE POLICY admin_shared_access ON locations FOR ALL TO admin_role
  USING (owner_user_id IS NULL) WITH CHECK (owner_user_id IS NULL);
GRANT SELECT ON locations TO authenticated_users, recruiter_role, admin_role;
GRANT INSERT (owner_user_id, formatted_address, street_number, street_name, city, region, country, country_code, postal_code,
              coordinates, geocoding_accuracy, geocoding_source, place_types, timezone, geocoded_at, cache_expires_at)
  ON locations TO authenticated_users, recruiter_role, admin_role;
GRANT UPDATE (formatted_address, street_number, street_name, city, region, country, country_code, postal_code, coordinates,
              geocoding_accuracy, geocoding_source, place_types, timezone, geocoded_at, cache_expires_at), DELETE
  ON locations TO authenticated_users, admin_role;

CREATE POLICY identity_required ON user_location_preferences AS RESTRICTIVE FOR ALL TO authenticated_users, recruiter_role, admin_role
  USING ((SELECT current_app_user()) IS NOT NULL);
CREATE POLICY self_access ON user_location_preferences FOR ALL TO authenticated_users
  USING (user_id = (SELECT current_app_user())) WITH CHECK (user_id = (SELECT current_app_user()));
CREATE POLICY admin_read ON user_location_preferences FOR SELECT TO admin_role USING (true);
GRANT SELECT,
      INSERT (user_id, location_id, location_type, max_commute_distance_km, max_commute_time_minutes, transport_modes, is_flexible),
      UPDATE (location_id, location_type, max_commute_distance_km, max_commute_time_minutes, transport_modes, is_flexible),
      DELETE
  ON user_location_preferences TO authenticated_users;
GRANT SELECT (preference_id, user_id, location_id, location_type, created_at, updated_at) ON user_location_preferences TO admin_role;
