//! Who belongs to which organization, and who has been granted what.

use crate::permissions::model::{
    OrganizationRole::{self, Administrator, Member, Owner},
    Role::{self, Auditor, Operator, Technician, Viewer},
};

/// Username, organization and role.
pub const MEMBERS: &[(&str, &str, OrganizationRole)] = &[
    ("alice", "nordlicht", Owner),
    ("erik", "nordlicht", Owner),
    ("hannah", "nordlicht", Administrator),
    ("jonas", "nordlicht", Member),
    ("lena", "nordlicht", Member),
    ("bob", "nordlicht", Member),
    ("mariam", "nordlicht", Member),
    ("yusuf", "nordlicht", Member),
    ("ines", "meseta", Owner),
    ("diego", "meseta", Administrator),
    ("lucia", "meseta", Member),
    ("pablo", "meseta", Member),
    ("alice", "meseta", Member),
    ("grace", "prairie", Owner),
    ("daniel", "prairie", Administrator),
    ("olivia", "prairie", Member),
    ("marcus", "prairie", Member),
    ("alice", "prairie", Member),
];

/// Organization, vendor, and the people who work for it there.
pub const VENDORS: &[(&str, &str, &[&str])] = &[
    ("nordlicht", "Helioserv", &["carla"]),
    ("nordlicht", "Windcare", &["peter"]),
    ("meseta", "Helioserv", &["rafael", "carla"]),
    ("prairie", "Gridworks Service", &["sam"]),
];

/// Where a grant applies: an organization or plant by its key, a portfolio by its name.
pub enum Scope {
    Organization(&'static str),
    Portfolio(&'static str),
    Plant(&'static str),
}

use Scope::{Organization, Plant, Portfolio};

/// Username, role, scope, who granted it, days since then, days until its end, minutes since its last use, and the reason.
pub type Grant = (&'static str, Role, Scope, &'static str, i64, Option<i64>, Option<i64>, &'static str);

#[rustfmt::skip]
pub const GRANTS: &[Grant] = &[
    ("alice",  Operator,   Organization("nordlicht"),    "erik",   487, None,      Some(30),     "Head of operations"),
    ("carla",  Technician, Portfolio("Portfolio North"), "alice",  11,  Some(5),   Some(4),      "Replacement of inverters under warranty, order 4711"),
    ("jonas",  Operator,   Portfolio("Portfolio North"), "alice",  101, None,      Some(20),     "Control room North"),
    ("jonas",  Technician, Plant("sued"),                "erik",   247, Some(110), Some(1_500),  "Deputy of the site manager"),
    ("mariam", Auditor,    Organization("nordlicht"),    "alice",  55,  Some(310), Some(2_900),  "Audit of the year 2026"),
    ("tom",    Viewer,     Plant("sued"),                "hannah", 16,  Some(3),   None,         "Due diligence for the sale of shares"),
    ("bob",    Technician, Portfolio("Portfolio South"), "hannah", 200, None,      Some(300),    "Field service South"),
    ("lena",   Technician, Plant("reussenkoege"),        "hannah", 64,  Some(120), Some(5_800),  "Yearly inspection of the turbines"),
    ("lena",   Technician, Plant("jardelund"),           "alice",  33,  Some(-2),  Some(4_400),  "Commissioning of the second battery"),
    ("peter",  Technician, Plant("reussenkoege"),        "hannah", 80,  Some(45),  Some(1_400),  "Maintenance contract with Windcare"),
    ("peter",  Technician, Plant("husum"),               "hannah", 80,  Some(45),  Some(9_000),  "Maintenance contract with Windcare"),
    ("peter",  Technician, Plant("zoeschingen"),         "hannah", 22,  Some(9),   None,         "Noise at turbine 2"),
    ("nadia",  Viewer,     Organization("nordlicht"),    "erik",   140, Some(225), Some(4_300),  "Reports to the investors"),
    ("hannah", Viewer,     Portfolio("Portfolio South"), "alice",  150, None,      Some(700),    "Planning of the field service"),
    ("lucia",  Operator,   Organization("meseta"),       "ines",   320, None,      Some(15),     "Control room"),
    ("pablo",  Technician, Portfolio("Castilla"),        "diego",  210, None,      Some(330),    "Field service Castilla"),
    ("pablo",  Technician, Plant("requena"),             "diego",  12,  Some(18),  Some(2_100),  "Extension of the roof"),
    ("marta",  Viewer,     Portfolio("Tejados"),         "diego",  90,  None,      Some(2_880),  "Invoices of the roofs"),
    ("rafael", Technician, Plant("bonete"),              "diego",  24,  Some(6),   Some(25),     "Firmware of the inverters, order 4802"),
    ("rafael", Technician, Plant("medina"),              "diego",  24,  Some(6),   None,         "Firmware of the inverters, order 4802"),
    ("carla",  Technician, Plant("olmedo"),              "diego",  40,  Some(-9),  Some(15_000), "Exchange of the data logger, order 4655"),
    ("sofia",  Auditor,    Organization("meseta"),       "ines",   70,  Some(20),  Some(5_760),  "Audit by the bank"),
    ("alice",  Technician, Portfolio("Castilla"),        "ines",   130, Some(235), Some(7_000),  "Support between sister companies"),
    ("alice",  Viewer,     Portfolio("Tejados"),         "ines",   130, Some(235), None,         "Support between sister companies"),
    ("nadia",  Viewer,     Organization("meseta"),       "ines",   140, Some(225), Some(4_310),  "Reports to the investors"),
    ("olivia", Operator,   Organization("prairie"),      "grace",  410, None,      Some(60),     "Control room"),
    ("marcus", Technician, Portfolio("West Texas"),      "daniel", 260, None,      Some(900),    "Field service West Texas"),
    ("marcus", Technician, Plant("tulia"),               "daniel", 8,   Some(6),   Some(1_900),  "Stands in for the technician of High Plains"),
    ("sam",    Technician, Plant("crane"),               "daniel", 6,   Some(2),   Some(850),    "Cooling of battery 2"),
    ("priya",  Auditor,    Organization("prairie"),      "grace",  45,  Some(320), Some(1_450),  "Compliance reviews"),
    ("alice",  Auditor,    Organization("prairie"),      "grace",  95,  Some(270), None,         "Peer review between sister companies"),
];

/// Plants whose remote access is closed: plant, who closed it, days since then, and the reason.
pub const CLOSED: &[(&str, &str, i64, &str)] =
    &[("jardelund", "erik", 2, "Unknown sign-in attempts at battery 1. Closed until its manufacturer has confirmed the firmware.")];
