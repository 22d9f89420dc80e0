#!/usr/bin/env python3
"""Writes countries.txt and subdivisions.txt anew: names as people write them, by ISO 3166 code.

    npm pack cldr-core@48.2.0 cldr-localenames-full@48.2.0 cldr-subdivisions-full@48.2.0 iso-3166@4.4.0
    python3 make-names.py FOLDER_OF_THE_FOUR_TGZ

Sources, with the licences that stand beside this file:

- the short names of ISO 3166-1 and its three-letter codes: npm package iso-3166 4.4.0, MIT;
- the English names of CLDR 48.2 and their alternatives: npm packages cldr-localenames-full and cldr-subdivisions-full 48.2.0, Unicode-3.0;
- what each country is called in its own official languages, national and regional: the names of CLDR 48.2 and its list of official
  languages, npm packages cldr-localenames-full and cldr-core 48.2.0, Unicode-3.0;
- what people write beside these: the lists below, made for this project. None stands for two
  places: "Korea", "Virgin Islands" or "Republic of China" alone are not in them. "Congo" is the
  ISO short name of CG, and stays it.

Only names that differ after folding (component/src/place_names.rs) are written.
"""

import json
import re
import sys
import tarfile
import unicodedata
from pathlib import Path

COUNTRIES = {
    "AE": "UAE|Emirates",
    "AG": "Antigua",
    "AR": "Argentine Republic",
    "AT": "Österreich",
    "BA": "Bosnia Herzegovina|BiH",
    "BD": "People's Republic of Bangladesh",
    "BN": "Brunei",
    "BO": "Bolivia|Plurinational State of Bolivia",
    "BQ": "Bonaire|Caribbean Netherlands|Bonaire, Saint Eustatius and Saba",
    "BR": "Federative Republic of Brazil|Brasil",
    "BS": "Commonwealth of the Bahamas",
    "BY": "Belorussia|Byelorussia",
    "CD": "DRC|DR Congo|D.R. Congo|Congo-Kinshasa|Congo, Kinshasa|Zaire"
    "|Democratic Republic of Congo|Congo, Dem. Rep.|Congo, DR",
    "CG": "Congo-Brazzaville|Republic of Congo|Congo Republic|Congo, Rep.",
    "CH": "Swiss Confederation",
    "CI": "Republic of Côte d'Ivoire",
    "CN": "PRC|P.R. China|PR China|People's Republic of China|Mainland China|China, PR|China PRC",
    "CV": "Cabo Verde|Cape Verde|Cape Verde Islands",
    "CZ": "Czech Rep.",
    "DE": "Federal Republic of Germany|Deutschland|FRG",
    "DK": "Kingdom of Denmark",
    "DO": "Dominican Rep.",
    "DZ": "People's Democratic Republic of Algeria",
    "EG": "Arab Republic of Egypt",
    "EH": "Western Sahara",
    "ES": "Kingdom of Spain|España",
    "FK": "Falkland Islands|Falklands|Malvinas|Islas Malvinas",
    "FM": "Micronesia|Federated States of Micronesia",
    "FR": "French Republic|Metropolitan France",
    "GB": "U.K.|Great Britain|Britain|G.B.|England|Scotland|Wales|Northern Ireland"
    "|United Kingdom of Great Britain|United Kingdom (UK)|United Kingdom, UK|The UK",
    "GM": "Gambia",
    "GR": "Hellenic Republic|Hellas",
    "GW": "Guinea Bissau",
    "HK": "Hong Kong|Hongkong|HKSAR|Hong Kong, China",
    "HM": "Heard and McDonald Islands|Heard Island & McDonald Islands",
    "IE": "Republic of Ireland|Eire|Ireland, Republic of",
    "IL": "State of Israel",
    "IN": "Republic of India|Bharat",
    "IR": "Iran|Islamic Republic of Iran",
    "IT": "Italian Republic|Italia",
    "JO": "Hashemite Kingdom of Jordan",
    "JP": "Nippon",
    "KG": "Kyrgyz Republic",
    "KN": "Saint Kitts and Nevis|St Kitts|Saint Christopher and Nevis",
    "KP": "North Korea|DPRK|D.P.R. Korea|Korea, North|Korea, DPR|Democratic People's Rep. of Korea",
    "KR": "South Korea|ROK|R.O.K.|Korea, South|Republic of Korea|Rep. of Korea|Korea, Rep.|S. Korea"
    "|Korea (South)|Korea South",
    "KY": "Caymans",
    "LA": "Laos|Lao PDR|Lao P.D.R.|Lao People's Dem. Rep.",
    "LC": "St. Lucia",
    "LK": "Democratic Socialist Republic of Sri Lanka",
    "LY": "Libyan Arab Jamahiriya",
    "MD": "Moldova|Republic of Moldova",
    "MF": "Saint Martin|St Martin|Saint Martin (French)|St-Martin",
    "MK": "Macedonia|FYROM|Republic of North Macedonia|Republic of Macedonia"
    "|Macedonia, the former Yugoslav Republic of|The former Yugoslav Republic of Macedonia",
    "MM": "Burma|Myanmar (Burma)|Union of Myanmar",
    "MO": "Macau|Macao|Macau SAR|Macao, China|Macau, China",
    "MX": "United Mexican States|México",
    "NL": "The Netherlands|Holland|Kingdom of the Netherlands|Nederland",
    "NZ": "Aotearoa|N.Z.",
    "PG": "PNG|P.N.G.",
    "PS": "Palestine|Palestinian Territory|Occupied Palestinian Territory"
    "|Palestinian Territory, Occupied",
    "PT": "Portuguese Republic",
    "RE": "La Réunion|Reunion Island|Île de la Réunion",
    "RU": "Russia",
    "SA": "KSA|Kingdom of Saudi Arabia",
    "SE": "Kingdom of Sweden",
    "SH": "Saint Helena|St Helena",
    "SK": "Slovak Republic",
    "SR": "Surinam",
    "ST": "Sao Tome",
    "SX": "Sint Maarten|St Maarten|Saint Maarten|Sint Maarten (Dutch)",
    "SY": "Syria",
    "SZ": "Kingdom of Eswatini",
    "TC": "Turks and Caicos",
    "TF": "French Southern Territories",
    "TH": "ประเทศไทย",
    "TL": "Democratic Republic of Timor-Leste",
    "TR": "Turkey|Republic of Turkey|Republic of Türkiye|Turkiye",
    "TT": "Trinidad|Trinidad Tobago",
    "TW": "Taiwan|Taiwan (R.O.C.)|Taiwan ROC|Chinese Taipei|Taiwan, China|台湾",
    "TZ": "Tanzania|United Republic of Tanzania",
    "UM": "US Minor Outlying Islands",
    "US": "U.S.A.|U.S.|United States|US of A|United States (USA)|United States (US)"
    "|United States of America (USA)|The United States|The USA|The States",
    "UY": "Eastern Republic of Uruguay",
    "VA": "Vatican|Vatican City|Vatican City State|Holy See (Vatican City State)|Holy See",
    "VC": "St Vincent|Saint Vincent",
    "VE": "Venezuela|Bolivarian Republic of Venezuela",
    "VG": "BVI|B.V.I.|Virgin Islands, British|British Virgin Islands|Virgin Islands (UK)",
    "VI": "USVI|U.S.V.I.|Virgin Islands, U.S.|US Virgin Islands|Virgin Islands (USA)"
    "|Virgin Islands of the United States|United States Virgin Islands",
    "VN": "Viet Nam|Vietnam|Socialist Republic of Vietnam|Socialist Republic of Viet Nam",
    "ZA": "RSA|R.S.A.|Republic of South Africa|S. Africa",
}

FORMAL = {
    "Republic of": "AL AM AO AT AZ BG BI BJ BW BY CL CM CO CR CY DJ EC EE FI FJ GA GH GM GN GQ GT GW"
    " GY HN HR HT HU ID IQ IS KE KI KM KZ LB LR LT LV MD ME MG MH ML MM MT MU MV MW MZ NA NE NI NR"
    " PA PE PH PL PW PY RS RW SC SD SG SI SL SM SN SR SS SV TD TG TJ TN TT UG UZ VU YE ZM ZW",
    "Kingdom of": "BE BH BT KH LS MA NO TH TO",
    "Federal Republic of": "NG SO",
    "Federal Democratic Republic of": "ET NP",
    "Islamic Republic of": "AF MR PK",
    "Commonwealth of": "AU DM",
    "Principality of": "AD LI MC",
    "State of": "ER KW QA",
    "Grand Duchy of": "LU",
    "Sultanate of": "OM",
    "Independent State of": "PG WS",
    "Union of": "KM",
}

CANADA = {
    "AB": "Alta.|Alb.|A.B.",
    "BC": "B.C.|Colombie-Britannique|C.-B.",
    "MB": "Man.",
    "NB": "N.B.|Nouveau-Brunswick|N.-B.",
    "NL": "Newfoundland|Labrador|Nfld.|NF|Nfld. & Lab.|Newfoundland & Labrador|N.L.|NFL"
    "|Terre-Neuve|T.-N.-L.|Newfoundland/Labrador",
    "NS": "N.S.|N.-É.|Nova Scotia",
    "NT": "N.W.T.|Northwest Territory|North West Territories|N.T.|T.N.-O.",
    "NU": "Nvt.",
    "ON": "Ont.|Ontario",
    "PE": "P.E.I.|Prince Edward Isl.|PE Island|Î.-P.-É.|Pr. Edward Island",
    "QC": "Que.|Qué.|P.Q.|Q.C.|Province of Quebec|Province de Québec|PQ|Quebec Province",
    "SK": "Sask.",
    "YT": "Yukon Territory|Y.T.|Yuk.|YK|Territoire du Yukon",
}

UNITED_STATES = {
    "AK": "Alas.",
    "AL": "Ala.",
    "AR": "Ark.",
    "AS": "American Samoa",
    "AZ": "Ariz.",
    "CA": "Calif.|Cal.|Cali.",
    "CO": "Colo.",
    "CT": "Conn.",
    "DC": "District of Columbia|Washington, D.C.|Washington DC|D.C.|Dist. of Columbia",
    "DE": "Del.",
    "FL": "Fla.",
    "GA": "Georgia",
    "GU": "Guam",
    "IA": "Iowa",
    "IL": "Ill.|Ills.",
    "IN": "Ind.",
    "KS": "Kans.|Kan.",
    "KY": "Commonwealth of Kentucky",
    "LA": "La.",
    "MA": "Mass.|Commonwealth of Massachusetts",
    "MD": "Md.",
    "ME": "Me.",
    "MI": "Mich.",
    "MN": "Minn.",
    "MO": "Mo.",
    "MP": "Northern Mariana Islands|CNMI|Northern Marianas",
    "MS": "Miss.",
    "MT": "Mont.",
    "NC": "N.C.|N. Carolina|North Car.|No. Carolina",
    "ND": "N.D.|N. Dakota|No. Dakota|N. Dak.",
    "NE": "Neb.|Nebr.",
    "NH": "N.H.",
    "NJ": "N.J.|N. Jersey",
    "NM": "N.M.|N. Mex.|N. Mexico",
    "NV": "Nev.",
    "NY": "N.Y.|New York State|NYS|N. York",
    "OK": "Okla.",
    "OR": "Ore.|Oreg.",
    "PA": "Pa.|Penn.|Penna.|Commonwealth of Pennsylvania",
    "PR": "Puerto Rico|P.R.|Commonwealth of Puerto Rico",
    "RI": "R.I.|Rhode Is.|Rhode Island and Providence Plantations",
    "SC": "S.C.|S. Carolina|So. Carolina",
    "SD": "S.D.|S. Dakota|So. Dakota|S. Dak.",
    "TN": "Tenn.",
    "TX": "Tex.",
    "VA": "Va.|Commonwealth of Virginia",
    "VI": "US Virgin Islands|U.S. Virgin Islands|Virgin Islands|Virgin Islands, U.S.|USVI",
    "VT": "Vt.",
    "WA": "Wash.|Washington State|State of Washington",
    "WI": "Wis.|Wisc.",
    "WV": "W.Va.|W. Virginia|West Va.|W. Va.",
    "WY": "Wyo.",
}


SHORT = {
    "st": "saint",
    "ste": "saint",
    "rep": "republic",
    "dem": "democratic",
    "island": "islands",
    "is": "islands",
    "isl": "islands",
    "terr": "territory",
}


def fold(name):
    """As `place_names::fold`: two names that fold to the same text are one."""
    for letter, plain in {"ø": "o", "Ø": "o", "đ": "d", "ł": "l", "ß": "ss", "æ": "ae"}.items():
        name = name.replace(letter, plain)
    bare = ((c, unicodedata.normalize("NFD", c)[0]) for c in unicodedata.normalize("NFC", name))
    plain = "".join(base if base.isascii() else c for c, base in bare)
    plain = plain.lower().replace("&", " and ")
    plain = re.sub(r"[.'’`]", "", plain)
    words = []
    is_initial = False
    for word in re.split(r"[\W_]+", plain):
        if not word:
            continue
        if len(word) == 1 and is_initial:
            words[-1] += word
            continue
        is_initial = len(word) == 1
        words.append(word)
    words = [SHORT.get(word, word) for word in words]
    return " ".join(sorted(word for word in words if word not in ("the", "of", "and")))


def package(folder, name):
    [path] = Path(folder).glob(name + "-*.tgz")
    return tarfile.open(path)


def read(archive, path):
    return archive.extractfile("package/" + path).read().decode()


def iso_3166_1(folder):
    text = read(package(folder, "iso-3166"), "1.js")
    entry = r"name: (['\"])(.+?)\1,\s*state: 'assigned',\s*alpha2: '(..)',\s*alpha3: '(...)'"
    return {alpha2: (alpha3, name) for _, name, alpha2, alpha3 in re.findall(entry, text)}


def cldr(archive, path, *members):
    value = json.loads(read(archive, path))
    for member in members:
        value = value[member]
    return value


def names_of(code, *lists):
    """Names without the code itself and those that fold to what is there already."""
    kept, seen = [], set()
    for name in (name for names in lists for name in names):
        if fold(name) not in seen and name != code.rsplit("-", 1)[-1]:
            kept.append(name)
            seen.add(fold(name))
    return "|".join(kept)


def names_in_own_languages(folder, codes):
    """The names of each country in its official languages, without those that another has too."""
    core, local = package(folder, "cldr-core"), package(folder, "cldr-localenames-full")
    path = "supplemental/territoryInfo.json"
    about = cldr(core, path, "supplemental", "territoryInfo")
    spoken = {
        member.name.split("/")[2]: json.load(local.extractfile(member))["main"]
        for member in local
        if member.name.endswith("/territories.json")
    }
    own = {}
    for code in codes:
        languages = about.get(code, {}).get("languagePopulation", {}).items()
        official = [name.replace("_", "-") for name, how in languages if "_officialStatus" in how]
        own[code] = []
        for tongue in sorted(set(official) & set(spoken) - {"en"}):
            names = spoken[tongue][tongue]["localeDisplayNames"]["territories"].items()
            own[code] += [text for key, text in names if key.split("-")[0] == code]
    return own


def countries(folder):
    local = package(folder, "cldr-localenames-full")
    spoken = cldr(local, "main/en/territories.json", "main", "en", "localeDisplayNames")
    spoken = spoken["territories"]
    lines = []
    known = iso_3166_1(folder)
    own = names_in_own_languages(folder, known)
    for code, (alpha3, name) in sorted(known.items()):
        others = [text for key, text in spoken.items() if key.split("-")[0] == code]
        extra = [text for text in COUNTRIES.get(code, "").split("|") if text]
        extra += [f"{form} {spoken[code]}" for form, codes in FORMAL.items() if code in codes.split()]
        lines.append(f"{code}|{names_of(code, [alpha3, name], others, extra, own[code])}")
    return lines


def subdivisions(folder):
    archive = package(folder, "cldr-subdivisions-full")
    path = "subdivisions/{}/{}.json"
    english, french = (
        cldr(archive, path.format(tongue, tongue), "subdivisions", "localeDisplayNames")
        for tongue in ("en", "fr")
    )
    english, french = english["subdivisions"], french["subdivisions"]
    lines = []
    for country, extras in (("CA", CANADA), ("US", UNITED_STATES)):
        codes = {key[2:].upper() for key in english if key.startswith(country.lower())}
        for code in sorted(codes | set(extras)):
            key = (country + code).lower()
            spoken = [english[key]] if key in english else []
            if country == "CA" and key in french:
                spoken.append(french[key])
            extra = [name for name in extras.get(code, "").split("|") if name]
            lines.append(f"{country}-{code}|{names_of(country + '-' + code, spoken, extra)}")
    return lines


def main():
    folder = sys.argv[1]
    here = Path(__file__).parent
    for name, lines in (("countries", countries(folder)), ("subdivisions", subdivisions(folder))):
        (here / f"{name}.txt").write_text("\n".join(lines) + "\n")


main()
