// SPDX-License-Identifier: Apache-2.0
// Read.java URL QUERY - one line per row: for each column its name, the driver's type, the Java class of the value, and the value.
import java.sql.*;

public class Read {
	public static void main(String[] words) throws SQLException {
		try (Connection c = DriverManager.getConnection(words[0]); Statement s = c.createStatement(); ResultSet r = s.executeQuery(words[1])) {
			ResultSetMetaData m = r.getMetaData();
			while (r.next()) {
				StringBuilder line = new StringBuilder();
				for (int i = 1; i <= m.getColumnCount(); i++) {
					Object v = r.getObject(i);
					line.append(i > 1 ? "\t" : "").append(m.getColumnName(i)).append('|').append(JDBCType.valueOf(m.getColumnType(i)))
						.append('|').append(v == null ? "null" : v.getClass().getSimpleName()).append('|').append(v);
				}
				System.out.println(line);
			}
			try (ResultSet t = c.getMetaData().getColumns(null, "report", "asset", "serial_number")) {
				System.out.println("remarks|" + (t.next() ? t.getString("REMARKS") : "none"));
			}
		}
	}
}
