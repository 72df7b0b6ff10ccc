# A set of 200 MX: the best are used, and it is said.
zone huge.test. MX 1 h1.test.
zone h1.test. A 192.0.2.1
zone huge.test. MX 2 h2.test.
zone h2.test. A 192.0.2.2
zone huge.test. MX 3 h3.test.
zone h3.test. A 192.0.2.3
zone huge.test. MX 4 h4.test.
zone h4.test. A 192.0.2.4
zone huge.test. MX 5 h5.test.
zone h5.test. A 192.0.2.5
zone huge.test. MX 6 h6.test.
zone h6.test. A 192.0.2.6
zone huge.test. MX 7 h7.test.
zone h7.test. A 192.0.2.7
zone huge.test. MX 8 h8.test.
zone h8.test. A 192.0.2.8
zone huge.test. MX 9 h9.test.
zone h9.test. A 192.0.2.9
zone huge.test. MX 10 h10.test.
zone h10.test. A 192.0.2.10
zone huge.test. MX 11 h11.test.
zone h11.test. A 192.0.2.11
zone huge.test. MX 12 h12.test.
zone h12.test. A 192.0.2.12
zone huge.test. MX 13 h13.test.
zone h13.test. A 192.0.2.13
zone huge.test. MX 14 h14.test.
zone h14.test. A 192.0.2.14
zone huge.test. MX 15 h15.test.
zone h15.test. A 192.0.2.15
zone huge.test. MX 16 h16.test.
zone h16.test. A 192.0.2.16
zone huge.test. MX 17 h17.test.
zone h17.test. A 192.0.2.17
zone huge.test. MX 18 h18.test.
zone h18.test. A 192.0.2.18
zone huge.test. MX 19 h19.test.
zone h19.test. A 192.0.2.19
zone huge.test. MX 20 h20.test.
zone h20.test. A 192.0.2.20
zone huge.test. MX 21 h21.test.
zone h21.test. A 192.0.2.21
zone huge.test. MX 22 h22.test.
zone h22.test. A 192.0.2.22
zone huge.test. MX 23 h23.test.
zone h23.test. A 192.0.2.23
zone huge.test. MX 24 h24.test.
zone h24.test. A 192.0.2.24
zone huge.test. MX 25 h25.test.
zone h25.test. A 192.0.2.25
zone huge.test. MX 26 h26.test.
zone h26.test. A 192.0.2.26
zone huge.test. MX 27 h27.test.
zone h27.test. A 192.0.2.27
zone huge.test. MX 28 h28.test.
zone h28.test. A 192.0.2.28
zone huge.test. MX 29 h29.test.
zone h29.test. A 192.0.2.29
zone huge.test. MX 30 h30.test.
zone h30.test. A 192.0.2.30
zone huge.test. MX 31 h31.test.
zone h31.test. A 192.0.2.31
zone huge.test. MX 32 h32.test.
zone h32.test. A 192.0.2.32
zone huge.test. MX 33 h33.test.
zone h33.test. A 192.0.2.33
zone huge.test. MX 34 h34.test.
zone h34.test. A 192.0.2.34
zone huge.test. MX 35 h35.test.
zone h35.test. A 192.0.2.35
zone huge.test. MX 36 h36.test.
zone h36.test. A 192.0.2.36
zone huge.test. MX 37 h37.test.
zone h37.test. A 192.0.2.37
zone huge.test. MX 38 h38.test.
zone h38.test. A 192.0.2.38
zone huge.test. MX 39 h39.test.
zone h39.test. A 192.0.2.39
zone huge.test. MX 40 h40.test.
zone h40.test. A 192.0.2.40
zone huge.test. MX 41 h41.test.
zone h41.test. A 192.0.2.41
zone huge.test. MX 42 h42.test.
zone h42.test. A 192.0.2.42
zone huge.test. MX 43 h43.test.
zone h43.test. A 192.0.2.43
zone huge.test. MX 44 h44.test.
zone h44.test. A 192.0.2.44
zone huge.test. MX 45 h45.test.
zone h45.test. A 192.0.2.45
zone huge.test. MX 46 h46.test.
zone h46.test. A 192.0.2.46
zone huge.test. MX 47 h47.test.
zone h47.test. A 192.0.2.47
zone huge.test. MX 48 h48.test.
zone h48.test. A 192.0.2.48
zone huge.test. MX 49 h49.test.
zone h49.test. A 192.0.2.49
zone huge.test. MX 50 h50.test.
zone h50.test. A 192.0.2.50
zone huge.test. MX 51 h51.test.
zone h51.test. A 192.0.2.51
zone huge.test. MX 52 h52.test.
zone h52.test. A 192.0.2.52
zone huge.test. MX 53 h53.test.
zone h53.test. A 192.0.2.53
zone huge.test. MX 54 h54.test.
zone h54.test. A 192.0.2.54
zone huge.test. MX 55 h55.test.
zone h55.test. A 192.0.2.55
zone huge.test. MX 56 h56.test.
zone h56.test. A 192.0.2.56
zone huge.test. MX 57 h57.test.
zone h57.test. A 192.0.2.57
zone huge.test. MX 58 h58.test.
zone h58.test. A 192.0.2.58
zone huge.test. MX 59 h59.test.
zone h59.test. A 192.0.2.59
zone huge.test. MX 60 h60.test.
zone h60.test. A 192.0.2.60
zone huge.test. MX 61 h61.test.
zone h61.test. A 192.0.2.61
zone huge.test. MX 62 h62.test.
zone h62.test. A 192.0.2.62
zone huge.test. MX 63 h63.test.
zone h63.test. A 192.0.2.63
zone huge.test. MX 64 h64.test.
zone h64.test. A 192.0.2.64
zone huge.test. MX 65 h65.test.
zone h65.test. A 192.0.2.65
zone huge.test. MX 66 h66.test.
zone h66.test. A 192.0.2.66
zone huge.test. MX 67 h67.test.
zone h67.test. A 192.0.2.67
zone huge.test. MX 68 h68.test.
zone h68.test. A 192.0.2.68
zone huge.test. MX 69 h69.test.
zone h69.test. A 192.0.2.69
zone huge.test. MX 70 h70.test.
zone h70.test. A 192.0.2.70
zone huge.test. MX 71 h71.test.
zone h71.test. A 192.0.2.71
zone huge.test. MX 72 h72.test.
zone h72.test. A 192.0.2.72
zone huge.test. MX 73 h73.test.
zone h73.test. A 192.0.2.73
zone huge.test. MX 74 h74.test.
zone h74.test. A 192.0.2.74
zone huge.test. MX 75 h75.test.
zone h75.test. A 192.0.2.75
zone huge.test. MX 76 h76.test.
zone h76.test. A 192.0.2.76
zone huge.test. MX 77 h77.test.
zone h77.test. A 192.0.2.77
zone huge.test. MX 78 h78.test.
zone h78.test. A 192.0.2.78
zone huge.test. MX 79 h79.test.
zone h79.test. A 192.0.2.79
zone huge.test. MX 80 h80.test.
zone h80.test. A 192.0.2.80
zone huge.test. MX 81 h81.test.
zone h81.test. A 192.0.2.81
zone huge.test. MX 82 h82.test.
zone h82.test. A 192.0.2.82
zone huge.test. MX 83 h83.test.
zone h83.test. A 192.0.2.83
zone huge.test. MX 84 h84.test.
zone h84.test. A 192.0.2.84
zone huge.test. MX 85 h85.test.
zone h85.test. A 192.0.2.85
zone huge.test. MX 86 h86.test.
zone h86.test. A 192.0.2.86
zone huge.test. MX 87 h87.test.
zone h87.test. A 192.0.2.87
zone huge.test. MX 88 h88.test.
zone h88.test. A 192.0.2.88
zone huge.test. MX 89 h89.test.
zone h89.test. A 192.0.2.89
zone huge.test. MX 90 h90.test.
zone h90.test. A 192.0.2.90
zone huge.test. MX 91 h91.test.
zone h91.test. A 192.0.2.91
zone huge.test. MX 92 h92.test.
zone h92.test. A 192.0.2.92
zone huge.test. MX 93 h93.test.
zone h93.test. A 192.0.2.93
zone huge.test. MX 94 h94.test.
zone h94.test. A 192.0.2.94
zone huge.test. MX 95 h95.test.
zone h95.test. A 192.0.2.95
zone huge.test. MX 96 h96.test.
zone h96.test. A 192.0.2.96
zone huge.test. MX 97 h97.test.
zone h97.test. A 192.0.2.97
zone huge.test. MX 98 h98.test.
zone h98.test. A 192.0.2.98
zone huge.test. MX 99 h99.test.
zone h99.test. A 192.0.2.99
zone huge.test. MX 100 h100.test.
zone h100.test. A 192.0.2.100
zone huge.test. MX 101 h101.test.
zone h101.test. A 192.0.2.101
zone huge.test. MX 102 h102.test.
zone h102.test. A 192.0.2.102
zone huge.test. MX 103 h103.test.
zone h103.test. A 192.0.2.103
zone huge.test. MX 104 h104.test.
zone h104.test. A 192.0.2.104
zone huge.test. MX 105 h105.test.
zone h105.test. A 192.0.2.105
zone huge.test. MX 106 h106.test.
zone h106.test. A 192.0.2.106
zone huge.test. MX 107 h107.test.
zone h107.test. A 192.0.2.107
zone huge.test. MX 108 h108.test.
zone h108.test. A 192.0.2.108
zone huge.test. MX 109 h109.test.
zone h109.test. A 192.0.2.109
zone huge.test. MX 110 h110.test.
zone h110.test. A 192.0.2.110
zone huge.test. MX 111 h111.test.
zone h111.test. A 192.0.2.111
zone huge.test. MX 112 h112.test.
zone h112.test. A 192.0.2.112
zone huge.test. MX 113 h113.test.
zone h113.test. A 192.0.2.113
zone huge.test. MX 114 h114.test.
zone h114.test. A 192.0.2.114
zone huge.test. MX 115 h115.test.
zone h115.test. A 192.0.2.115
zone huge.test. MX 116 h116.test.
zone h116.test. A 192.0.2.116
zone huge.test. MX 117 h117.test.
zone h117.test. A 192.0.2.117
zone huge.test. MX 118 h118.test.
zone h118.test. A 192.0.2.118
zone huge.test. MX 119 h119.test.
zone h119.test. A 192.0.2.119
zone huge.test. MX 120 h120.test.
zone h120.test. A 192.0.2.120
zone huge.test. MX 121 h121.test.
zone h121.test. A 192.0.2.121
zone huge.test. MX 122 h122.test.
zone h122.test. A 192.0.2.122
zone huge.test. MX 123 h123.test.
zone h123.test. A 192.0.2.123
zone huge.test. MX 124 h124.test.
zone h124.test. A 192.0.2.124
zone huge.test. MX 125 h125.test.
zone h125.test. A 192.0.2.125
zone huge.test. MX 126 h126.test.
zone h126.test. A 192.0.2.126
zone huge.test. MX 127 h127.test.
zone h127.test. A 192.0.2.127
zone huge.test. MX 128 h128.test.
zone h128.test. A 192.0.2.128
zone huge.test. MX 129 h129.test.
zone h129.test. A 192.0.2.129
zone huge.test. MX 130 h130.test.
zone h130.test. A 192.0.2.130
zone huge.test. MX 131 h131.test.
zone h131.test. A 192.0.2.131
zone huge.test. MX 132 h132.test.
zone h132.test. A 192.0.2.132
zone huge.test. MX 133 h133.test.
zone h133.test. A 192.0.2.133
zone huge.test. MX 134 h134.test.
zone h134.test. A 192.0.2.134
zone huge.test. MX 135 h135.test.
zone h135.test. A 192.0.2.135
zone huge.test. MX 136 h136.test.
zone h136.test. A 192.0.2.136
zone huge.test. MX 137 h137.test.
zone h137.test. A 192.0.2.137
zone huge.test. MX 138 h138.test.
zone h138.test. A 192.0.2.138
zone huge.test. MX 139 h139.test.
zone h139.test. A 192.0.2.139
zone huge.test. MX 140 h140.test.
zone h140.test. A 192.0.2.140
zone huge.test. MX 141 h141.test.
zone h141.test. A 192.0.2.141
zone huge.test. MX 142 h142.test.
zone h142.test. A 192.0.2.142
zone huge.test. MX 143 h143.test.
zone h143.test. A 192.0.2.143
zone huge.test. MX 144 h144.test.
zone h144.test. A 192.0.2.144
zone huge.test. MX 145 h145.test.
zone h145.test. A 192.0.2.145
zone huge.test. MX 146 h146.test.
zone h146.test. A 192.0.2.146
zone huge.test. MX 147 h147.test.
zone h147.test. A 192.0.2.147
zone huge.test. MX 148 h148.test.
zone h148.test. A 192.0.2.148
zone huge.test. MX 149 h149.test.
zone h149.test. A 192.0.2.149
zone huge.test. MX 150 h150.test.
zone h150.test. A 192.0.2.150
zone huge.test. MX 151 h151.test.
zone h151.test. A 192.0.2.151
zone huge.test. MX 152 h152.test.
zone h152.test. A 192.0.2.152
zone huge.test. MX 153 h153.test.
zone h153.test. A 192.0.2.153
zone huge.test. MX 154 h154.test.
zone h154.test. A 192.0.2.154
zone huge.test. MX 155 h155.test.
zone h155.test. A 192.0.2.155
zone huge.test. MX 156 h156.test.
zone h156.test. A 192.0.2.156
zone huge.test. MX 157 h157.test.
zone h157.test. A 192.0.2.157
zone huge.test. MX 158 h158.test.
zone h158.test. A 192.0.2.158
zone huge.test. MX 159 h159.test.
zone h159.test. A 192.0.2.159
zone huge.test. MX 160 h160.test.
zone h160.test. A 192.0.2.160
zone huge.test. MX 161 h161.test.
zone h161.test. A 192.0.2.161
zone huge.test. MX 162 h162.test.
zone h162.test. A 192.0.2.162
zone huge.test. MX 163 h163.test.
zone h163.test. A 192.0.2.163
zone huge.test. MX 164 h164.test.
zone h164.test. A 192.0.2.164
zone huge.test. MX 165 h165.test.
zone h165.test. A 192.0.2.165
zone huge.test. MX 166 h166.test.
zone h166.test. A 192.0.2.166
zone huge.test. MX 167 h167.test.
zone h167.test. A 192.0.2.167
zone huge.test. MX 168 h168.test.
zone h168.test. A 192.0.2.168
zone huge.test. MX 169 h169.test.
zone h169.test. A 192.0.2.169
zone huge.test. MX 170 h170.test.
zone h170.test. A 192.0.2.170
zone huge.test. MX 171 h171.test.
zone h171.test. A 192.0.2.171
zone huge.test. MX 172 h172.test.
zone h172.test. A 192.0.2.172
zone huge.test. MX 173 h173.test.
zone h173.test. A 192.0.2.173
zone huge.test. MX 174 h174.test.
zone h174.test. A 192.0.2.174
zone huge.test. MX 175 h175.test.
zone h175.test. A 192.0.2.175
zone huge.test. MX 176 h176.test.
zone h176.test. A 192.0.2.176
zone huge.test. MX 177 h177.test.
zone h177.test. A 192.0.2.177
zone huge.test. MX 178 h178.test.
zone h178.test. A 192.0.2.178
zone huge.test. MX 179 h179.test.
zone h179.test. A 192.0.2.179
zone huge.test. MX 180 h180.test.
zone h180.test. A 192.0.2.180
zone huge.test. MX 181 h181.test.
zone h181.test. A 192.0.2.181
zone huge.test. MX 182 h182.test.
zone h182.test. A 192.0.2.182
zone huge.test. MX 183 h183.test.
zone h183.test. A 192.0.2.183
zone huge.test. MX 184 h184.test.
zone h184.test. A 192.0.2.184
zone huge.test. MX 185 h185.test.
zone h185.test. A 192.0.2.185
zone huge.test. MX 186 h186.test.
zone h186.test. A 192.0.2.186
zone huge.test. MX 187 h187.test.
zone h187.test. A 192.0.2.187
zone huge.test. MX 188 h188.test.
zone h188.test. A 192.0.2.188
zone huge.test. MX 189 h189.test.
zone h189.test. A 192.0.2.189
zone huge.test. MX 190 h190.test.
zone h190.test. A 192.0.2.190
zone huge.test. MX 191 h191.test.
zone h191.test. A 192.0.2.191
zone huge.test. MX 192 h192.test.
zone h192.test. A 192.0.2.192
zone huge.test. MX 193 h193.test.
zone h193.test. A 192.0.2.193
zone huge.test. MX 194 h194.test.
zone h194.test. A 192.0.2.194
zone huge.test. MX 195 h195.test.
zone h195.test. A 192.0.2.195
zone huge.test. MX 196 h196.test.
zone h196.test. A 192.0.2.196
zone huge.test. MX 197 h197.test.
zone h197.test. A 192.0.2.197
zone huge.test. MX 198 h198.test.
zone h198.test. A 192.0.2.198
zone huge.test. MX 199 h199.test.
zone h199.test. A 192.0.2.199
zone huge.test. MX 200 h200.test.
zone h200.test. A 192.0.2.200
mx huge.test
answer 250 2.0.0 the best 20 of 200 MX are used
line *1 h1.test *
line *2 h2.test *
